"""Brightness and colour that differ between the views."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.check.finding import Finding, Severity
from m3depth.check.measuring.grading import Limits, grade
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.row_alignment import Estimate
from m3depth.check.measuring.sampler import Sampled

AROUND_PX = 9  # side of the square whose mean colour is compared
USABLE = (10.0, 235.0)  # of 255: neither black nor clipped
Ratios = Float[NDArray[np.floating], "n 3"]


def view_colours(
    sampled: Sampled, brightness: float = 1.15, colour: float = 1.1
) -> Iterator[Finding]:
    """One view is brighter than the other, or of another colour.

    A warning only: a stereo endoscope's views do differ, and networks learn in spite of it, but a
    photometric loss pays for every difference.

    Args:
        sampled: The frames that were looked at.
        brightness: The smallest factor between the views that is reported.
        colour: The same for one colour channel against the others.
    """
    compared = [(frame, log_ratios(frame)) for frame in sampled.plain]
    ratios = [(frame, ratio) for frame, ratio in compared if len(ratio)]
    light = [(frame, Estimate.of_median(ratio.mean(1))) for frame, ratio in ratios]
    hue = [(frame, _strongest_tint(ratio)) for frame, ratio in ratios]
    said = "the views differ in brightness"
    yield from _finding("exposure_difference", light, brightness, said)
    said = "the views differ in colour: one channel"
    yield from _finding("colour_difference", hue, colour, said)


def log_ratios(frame: MeasuredFrame) -> Ratios:
    """Logarithm of left over right mean colour, around points that both views show."""
    import cv2

    if frame.right is None or len(frame.kept.left_px) == 0:
        return np.empty((0, 3))
    means = []
    for picture, points in ((frame.left, frame.kept.left_px), (frame.right, frame.kept.right_px)):
        smooth = np.asarray(cv2.blur(picture, (AROUND_PX, AROUND_PX)), float)
        x, y = points.round().astype(int).T
        rows, columns = picture.shape[:2]
        means.append(smooth[y.clip(0, rows - 1), x.clip(0, columns - 1)])
    left, right = means
    low, high = USABLE
    usable = ((np.minimum(left, right) > low) & (np.maximum(left, right) < high)).all(1)
    ratios: Ratios = np.log(left[usable]) - np.log(right[usable])
    return ratios


def _strongest_tint(ratios: Ratios) -> Estimate:
    tints = ratios - ratios.mean(1, keepdims=True)
    return max((Estimate.of_median(channel) for channel in tints.T), key=lambda e: abs(e.value))


def _finding(
    code: str, measured: list[tuple[MeasuredFrame, Estimate]], factor: float, what: str
) -> Iterator[Finding]:
    graded = grade(measured, [Limits(float(np.log(factor)), np.inf)] * len(measured))
    if graded is None:
        return
    worst = graded.worst[0] if graded.worst else (measured[0][0], graded.whole)
    ratio = float(np.exp(worst[1]))
    told = graded.quoted(lambda log: f"{np.exp(log):.2f}")
    yield Finding(
        code,
        Severity.WARNING,
        f"{what}, left over right: {told}",
        "lock both cameras' exposure and white balance, or even the views out; train with colour "
        "jitter drawn for each view and rely less on L1 than on SSIM",
        {"median_ratio": float(np.exp(graded.whole)), "worst_ratio": ratio},
        graded.keys,
        worst[0].views,
        "The two views.",
    )
