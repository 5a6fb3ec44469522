"""Ground truth by itself: too coarse, or too little of it."""

from collections.abc import Iterator

import numpy as np

from m3depth.check.finding import Finding, Severity
from m3depth.check.measuring.sampler import Sampled
from m3depth.errors import EightBitDepthError
from m3depth.imaging.figures import INVERSE_DEPTH_COLOURS, Picture, colour

ENOUGH = 4000  # pixels from which the number of levels says something
LEVELS = 256  # that a byte holds
WHOLE = 1e-3  # mm from a whole number


def eight_bit_truth(sampled: Sampled) -> Iterator[Finding]:
    """Depth of which only 8 bits are left.

    Whole millimetres beyond 255 never were 8 bits: a warning only, for their coarse steps.
    """
    refused = [u for u in sampled.unreadable if isinstance(u.why, EightBitDepthError)]
    if refused:
        count = sum(len(keys) for keys in sampled.keys.values()) + len(sampled.unreadable)
        yield _finding(
            Severity.ERROR, f"depth files hold 8 bits in {len(refused)} of {count} frames", {}
        )
        return
    maps = [(f, f.depth_mm) for f in sampled.frames if f.depth_mm is not None]
    known = [(f, depth, depth[depth > 0]) for f, depth in maps]
    coarse = [k for k in known if k[2].size >= ENOUGH and len(np.unique(k[2])) <= LEVELS]
    if not coarse:
        return
    _, shown, values = max(coarse, key=lambda entry: entry[2].size)
    deepest = max(float(v.max()) for _, _, v in known if v.size)
    whole = all(float(np.abs(v - v.round()).max()) < WHOLE for _, _, v in coarse)
    low, high = float(values.min()), float(values.max()) + 1e-3
    severity = Severity.WARNING if whole and deepest >= LEVELS else Severity.ERROR
    levels = len(np.unique(values))
    step = float(np.median(np.diff(np.unique(values)))) if levels > 1 else 0.0
    said = f"depth takes only {levels} values, {step:.2g} mm apart, in {len(coarse)} of "
    yield _finding(
        severity,
        said + f"{len(known)} frames",
        {"levels": float(levels), "step_mm": step},
        tuple(f.key for f, _, _ in coarse),
        colour(shown, low, high, INVERSE_DEPTH_COLOURS, shown > 0),
    )


def _finding(
    severity: Severity,
    said: str,
    evidence: dict[str, float],
    frames: tuple[str, ...] = (),
    picture: Picture | None = None,
) -> Finding:
    mend = "write depth as 16-bit PNG, float TIFF, PFM or .npy from its source"
    told = "Ground truth: steps show as bands." if frames else ""
    return Finding("truth_8bit", severity, said, mend, evidence, frames, picture, told)


def sparse_truth(
    sampled: Sampled, warning_share: float = 0.1, error_share: float = 0.01
) -> Iterator[Finding]:
    """Depth known at too few pixels.

    Args:
        sampled: The frames that were looked at.
        warning_share: Of the pixels, in the median frame.
        error_share: The same.
    """
    maps = [(f, f.depth_mm) for f in sampled.frames if f.depth_mm is not None]
    shares = [(f, float((depth > 0).mean())) for f, depth in maps]
    if not shares:
        return
    middle = float(np.median([share for _, share in shares]))
    if middle < warning_share:
        poor = sorted(shares, key=lambda pair: pair[1])
        yield Finding(
            "truth_sparse",
            Severity.ERROR if middle < error_share else Severity.WARNING,
            f"depth is known at {middle:.2%} of the pixels in the median of {len(shares)} frames",
            "check the unit and the mask of the depth files; score with a protocol made for "
            "sparse truth",
            {"known_share": middle},
            tuple(f.key for f, share in poor if share < warning_share),
        )
