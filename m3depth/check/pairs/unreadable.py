"""Frames that cannot be read, and frames that cannot be judged."""

from collections.abc import Iterator

from m3depth.check.finding import Finding, Severity
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
