"""Ground truth against the images, and by itself."""

from collections.abc import Callable, Iterator

import numpy as np

from m3depth.check.finding import Finding, Severity
from m3depth.check.finding_pictures import side_by_side
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.sampler import Sampled
from m3depth.check.measuring.truth_fit import TruthFit
from m3depth.imaging.figures import INVERSE_DEPTH_COLOURS, Picture, colour

Fitted = tuple[MeasuredFrame, TruthFit]
Explain = Callable[[list[Fitted], int], Finding]
TOLD = "Disparity measured from the images, and the one that ground truth and calibration state."


def truth_on_images(
    sampled: Sampled,
    error_px: float = 1.0,
    of_width: float = 0.004,
    factor: float = 1.15,
    explained: float = 0.5,
    shift_of_width: float = 0.0075,
    shift_px: float = 4.0,
    shift_gain: float = 0.08,
) -> Iterator[Finding]:
    """Known depth must agree with the disparity that the images show.

    Where it does not, the explanation that leaves the smallest difference is reported: another
    factor (unit of the baseline or of the depth), a constant offset (principal points), a shift
    of the depth map (crop, resize, another frame or camera); or none of them. One finding for each
    explanation that a frame needs.

    Args:
        sampled: The frames that were looked at.
        error_px: Median difference, in pixels of the images.
        of_width: The limit is at least this fraction of the width.
        factor: Parallax that is off by more than this factor, either way, means a wrong unit.
        explained: An explanation must leave less than this share of the difference.
        shift_of_width: A depth map that sits better elsewhere by more than this is misplaced,
            whatever the difference.
        shift_px: The same in pixels; the larger counts.
        shift_gain: Share of the difference that such a shift must remove.
    """
    fits = [(frame, frame.truth_fit) for frame in sampled.frames]
    fitted = [(frame, fit) for frame, fit in fits if fit is not None]
    needed: dict[Explain, list[Fitted]] = {}
    for frame, fit in fitted:
        (explain, left_px), width = _best_explanation(fit, factor), frame.size[1]
        far = max(map(abs, fit.shift_px)) > max(shift_px, shift_of_width * width)
        if fit.as_stated_px > max(error_px, of_width * width):
            enough = left_px < explained * fit.as_stated_px
            needed.setdefault(explain if enough else _no_fit, []).append((frame, fit))
        elif far and fit.shift_gain > shift_gain:
            needed.setdefault(_misplaced, []).append((frame, fit))
    for explain, found in needed.items():
        yield explain(found, len(fitted))


def _best_explanation(fit: TruthFit, factor: float) -> tuple[Explain, float]:
    """The one that leaves the least, and what it leaves in pixels."""
    left_px: dict[Explain, float] = {
        _wrong_unit: fit.factor_px,
        _wrong_offset: fit.after_offset_px,
        _misplaced: fit.after_shift_px,
    }
    if not max(fit.factor, 1 / max(fit.factor, 1e-9)) > factor:
        del left_px[_wrong_unit]
    return min(left_px.items(), key=lambda one: one[1])


def _wrong_unit(found: list[Fitted], judged: int) -> Finding:
    factor = float(np.median([fit.factor for _, fit in found]))
    return _finding(
        "baseline_unit",
        found,
        f"parallax is {factor:.3g} times what ground truth and calibration state in "
        f"{len(found)} of {judged} frames",
        "give baseline and depth both in millimetres, and the focal length of these very images",
        {"factor": factor},
    )


def _wrong_offset(found: list[Fitted], judged: int) -> Finding:
    offset = float(np.median([fit.offset_px for _, fit in found]))
    return _finding(
        "principal_offset",
        found,
        f"every disparity is {offset:+.1f} px off what ground truth and calibration state in "
        f"{len(found)} of {judged} frames",
        "give each view's own principal point: cx - cx_right is the disparity of infinity",
        {"offset_px": offset},
    )


def _misplaced(found: list[Fitted], judged: int) -> Finding:
    worst, fit = max(found, key=lambda pair: pair[1].shift_gain)
    x, y = fit.shift_px
    across, down = np.median([fit.shift_px for _, fit in found], axis=0)
    return _finding(
        "truth_misplaced",
        found,
        f"ground truth sits better on the image when moved by ({x:+.0f}, {y:+.0f}) px in the worst "
        f"frame ({worst.key}), ({across:+.0f}, {down:+.0f}) px in the median one, in "
        f"{len(found)} of {judged} frames",
        "crop, resize and rectify depth together with its image, and check that both are of the "
        "same frame",
        {"shift_x_px": x, "shift_y_px": y, "gain": fit.shift_gain},
    )


def _no_fit(found: list[Fitted], judged: int) -> Finding:
    off = [fit.as_stated_px for _, fit in found]
    return _finding(
        "truth_misplaced",
        found,
        f"ground truth differs from what the images show by {max(off):.1f} px in the worst frame, "
        f"{np.median(off):.1f} px in the median one, in {len(found)} of {judged} frames, and no "
        "shift, factor or offset explains it",
        "check that depth, images and calibration belong to the same frames and cameras",
        {},
    )


def _finding(
    code: str, found: list[Fitted], said: str, mend: str, evidence: dict[str, float]
) -> Finding:
    frame, fit = max(found, key=lambda pair: pair[1].as_stated_px)
    evidence = {**evidence, "difference_px": fit.as_stated_px}
    keys = tuple(frame.key for frame, _ in found)
    return Finding(code, Severity.ERROR, said, mend, evidence, keys, _picture(frame), TOLD)


def _picture(frame: MeasuredFrame) -> Picture | None:
    if frame.dense_px is None or frame.stated_px is None:
        return None
    rows, columns = frame.dense_px.shape
    stride = frame.size[1] // columns
    stated = frame.stated_px[::stride, ::stride][:rows, :columns]
    both = np.concatenate([m[np.isfinite(m)] for m in (frame.dense_px, stated)])
    low, high = np.percentile(both, [2, 98])
    maps = (
        colour(np.nan_to_num(m), low, max(high, low + 1), INVERSE_DEPTH_COLOURS, np.isfinite(m))
        for m in (frame.dense_px, stated)
    )
    return side_by_side(*maps)
