"""Frames that cannot be read, seen or judged: unreadable, blank, masked out, or without matches."""

from collections.abc import Iterator, Sequence

from m3depth.check.finding import Finding, Severity
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.sampler import Sampled
from m3depth.errors import EightBitDepthError


def unreadable_frames(sampled: Sampled, error_share: float = 0.0) -> Iterator[Finding]:
    """Frames whose files are missing, truncated or inconsistent.

    Args:
        sampled: The frames that were looked at.
        error_share: Of the frames; more is an error, fewer a warning.
    """
    bad = [u for u in sampled.unreadable if not isinstance(u.why, EightBitDepthError)]
    if bad:
        read = sum(len(keys) for keys in sampled.keys.values())
        tried = read + len(sampled.unreadable)
        yield Finding(
            "unreadable_frames",
            Severity.ERROR if len(bad) > error_share * tried else Severity.WARNING,
            f"{len(bad)} of {tried} frames cannot be read; the first: {bad[0].why}",
            "copy these files again or take the frames out",
            {"share": len(bad) / tried},
            tuple(f"{u.split}[{u.index}]" for u in bad),
        )


def few_matches(sampled: Sampled, share: float = 0.34) -> Iterator[Finding]:
    """Pairs whose views have so little in common that they cannot be judged.

    Args:
        sampled: The frames that were looked at.
        share: Of the pairs; from this share on it is reported.
    """
    pairs = [
        f for f in sampled.frames if f.right is not None and f.halves is None and not f.same_view
    ]
    poor = [frame for frame in pairs if frame.alignment is None]
    if pairs and len(poor) >= share * len(pairs):
        yield Finding(
            "few_matches",
            Severity.WARNING,
            f"too few points are found in both views of {len(poor)} of {len(pairs)} frames to "
            "judge them",
            "check that left and right are of the same moment and scene, and in focus",
            {"share": len(poor) / len(pairs)},
            tuple(frame.key for frame in poor),
        )


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
