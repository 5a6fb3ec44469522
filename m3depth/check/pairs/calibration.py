"""What the calibration and the disparities say without ground truth."""

from collections.abc import Iterator

import numpy as np

from m3depth.check.finding import Finding, Severity
from m3depth.check.measuring.grading import Limits, grade
from m3depth.check.measuring.measured_frame import SIGN_PX, MeasuredFrame
from m3depth.check.measuring.row_alignment import Estimate
from m3depth.check.measuring.sampler import Sampled
from m3depth.geometry.plausible import Doubt, Oddity, oddities


def unlikely_rig(sampled: Sampled) -> Iterator[Finding]:
    """Calibrations that are unlikely for any camera, see `m3depth.geometry.plausible`.

    The readers refuse most of them: what is found here is rare, or was declared as meant.
    """
    calibrated = [frame for frame in sampled.frames if bool(frame.rig.calibrated)]
    found: dict[str, list[tuple[MeasuredFrame, Oddity]]] = {}
    for frame in calibrated:
        for oddity in oddities(frame.rig, frame.size, endoscope=frame.right is not None):
            if oddity.code != "pixel_shape":  # follows from resizing to another shape, too
                found.setdefault(oddity.code, []).append((frame, oddity))
    for code, odd in found.items():
        worst = max((oddity for _, oddity in odd), key=lambda oddity: oddity.doubt)
        yield Finding(
            code,
            Severity.ERROR if worst.doubt >= Doubt.UNLIKELY else Severity.WARNING,
            f"{worst.said}, in {len(odd)} of {len(calibrated)} frames",
            worst.mend,
            _numbers(odd[0][0]),
            tuple(frame.key for frame, _ in odd),
        )


def _numbers(frame: MeasuredFrame) -> dict[str, float]:
    units = {"fx": "fx_px", "fy": "fy_px", "cx": "cx_px", "cy": "cy_px"}
    return {
        units.get(name, name): float(value)
        for name, value in frame.rig._asdict().items()
        if name != "cx_right"
    }


def disparity_range(
    sampled: Sampled, widest: float = 0.3, warning_share: float = 0.01, error_share: float = 0.05
) -> Iterator[Finding]:
    """Disparity that the network cannot give: below 0 or beyond a fraction of the width.

    Args:
        sampled: The frames that were looked at.
        widest: The network's largest disparity, as a fraction of the width.
        warning_share: Share outside, of the points that both views show.
        error_share: The same.
    """
    shares = []
    for frame in sampled.ordered:
        shifts = frame.kept.shift_px[:, 0]
        low, high = -SIGN_PX, widest * frame.size[1]
        share = float(np.mean((shifts < low) | (shifts > high)))
        spread = (share * (1 - share) / len(shifts)) ** 0.5
        shares.append((frame, Estimate(share, spread)))
    limits = Limits(warning_share, error_share)
    graded = grade(shares, [limits] * len(shares))
    if graded is None or not graded.worst:
        return
    frame, share = graded.worst[0]
    low, high = np.percentile(frame.kept.shift_px[:, 0] / frame.size[1], [1, 99])
    yield Finding(
        "disparity_range",
        graded.severity,
        "points with a disparity that the network cannot give (0 to "
        f"{widest:g} of the width): {graded.quoted('{:.0%}'.format)}; disparities go from "
        f"{low:.3f} to {high:.3f} of the width in the worst frame",
        "crop the views so that infinity has a disparity near 0, keep more of the width, or "
        "leave frames out that are as near as this",
        {"outside_share": share, "low_of_width": float(low), "high_of_width": float(high)},
        graded.keys,
        frame.joined,
        "Lines join points that both views show.",
    )


def mixed_signs(sampled: Sampled, error_share: float = 0.1) -> Iterator[Finding]:
    """A calibrated pair in which many points lie beyond infinity: the principal points are wrong.

    Args:
        sampled: The frames that were looked at.
        error_share: Share of the matches beyond infinity, in frames that are not swapped.
    """
    calibrated = [frame for frame in sampled.ordered if bool(frame.rig.calibrated)]
    mixed = [frame for frame in calibrated if frame.behind > error_share]
    if mixed and all(frame.truth_fit is None for frame in mixed):
        worst = max(mixed, key=lambda frame: frame.behind)
        typical = float(np.median([frame.behind for frame in calibrated]))
        yield Finding(
            "principal_offset",
            Severity.ERROR,
            f"{worst.behind:.0%} of the points lie beyond infinity, which the calibration puts "
            f"at {worst.offset_px:.1f} px, in the worst frame ({worst.key}), {typical:.0%} in "
            f"the median one; too many in {len(mixed)} of {len(calibrated)} frames",
            "give each view's own principal point (cx and cx_right) after rectification",
            {"beyond_infinity_share": worst.behind, "infinity_px": worst.offset_px},
            tuple(frame.key for frame in mixed),
        )
