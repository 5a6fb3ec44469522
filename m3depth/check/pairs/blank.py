"""Blank pictures and empty masks."""

from collections.abc import Iterator, Sequence

from m3depth.check.finding import Finding, Severity
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.sampler import Sampled


def blank_pictures(sampled: Sampled, error_share: float = 0.5) -> Iterator[Finding]:
    """A view that is black, or of one colour: nothing can be matched in it.

    Args:
        sampled: The frames that were looked at.
        error_share: Of the frames; more is an error, fewer, as a video may have, a warning.
    """
    blank = [frame for frame in sampled.frames if frame.blank]
    if blank:
        yield Finding(
            "blank_pictures",
            _severity(blank, sampled.frames, error_share),
            f"a view is black or of one colour in {len(blank)} of {len(sampled.frames)} "
            f"frames, such as {blank[0].key}",
            "write these pictures again or take the frames out",
            {"share": len(blank) / len(sampled.frames)},
            tuple(frame.key for frame in blank),
            blank[0].views,
            "The views.",
        )


def empty_masks(sampled: Sampled, error_share: float = 0.5) -> Iterator[Finding]:
    """Masks that leave no pixel: the mask of valid pixels, or that of the tissue.

    Args:
        sampled: The frames that were looked at.
        error_share: As of `blank_pictures`.
    """
    masked = [frame for frame in sampled.frames if frame.left_in is not None]
    empty = [frame for frame in masked if frame.left_in == 0]
    if empty:
        yield Finding(
            "empty_masks",
            _severity(empty, masked, error_share),
            f"the mask leaves no pixel in, in {len(empty)} of {len(masked)} frames with one, "
            f"such as {empty[0].key}",
            "a mask is not 0 where a pixel counts: invert, rewrite or remove these",
            {"share": len(empty) / len(masked)},
            tuple(frame.key for frame in empty),
            empty[0].left,
            "The left picture.",
        )


def _severity(
    found: Sequence[MeasuredFrame], of: Sequence[MeasuredFrame], error_share: float
) -> Severity:
    return Severity.ERROR if len(found) > error_share * len(of) else Severity.WARNING
