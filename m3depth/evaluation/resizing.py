"""Which of prediction and truth is brought to the other's resolution before they are compared."""

from collections.abc import Callable

from torch.nn.functional import interpolate

from m3depth.evaluation.truth import Truth
from m3depth.geometry.resizing import nearest, size_of
from m3depth.types import DepthMap, Kind

Resize = Callable[[DepthMap, Truth], tuple[DepthMap, Truth]]


def prediction_to_truth(prediction: DepthMap, truth: Truth) -> tuple[DepthMap, Truth]:
    """Disparity, or else inverse depth, goes to the truth's size and only there becomes depth.

    Bilinear, with the sampling of OpenCV's ``INTER_LINEAR``: AF-SfMLearner's rule, and that of
    most tables.
    """
    return at_size(prediction, size_of(truth.depth_mm)), truth


def truth_to_prediction(prediction: DepthMap, truth: Truth) -> tuple[DepthMap, Truth]:
    """The truth goes to the prediction's size, by its nearest pixels, so that none is made up."""
    old, new = size_of(truth.depth_mm), prediction.size
    smaller = Truth(
        depth_mm=interpolate(truth.depth_mm, new, mode="nearest-exact"),
        counts=nearest(truth.counts, new),
        rig=truth.rig.resized(old, new),
        key=truth.key,
        occluded=None if truth.occluded is None else nearest(truth.occluded, new),
    )
    return at_size(prediction, new), smaller


def at_size(prediction: DepthMap, size: tuple[int, int]) -> DepthMap:
    """At another resolution, in float64, so that the resize adds no error of its own.

    Depth is resized as inverse depth, which is to depth as disparity is.
    """
    precise = prediction.precise()
    if precise.size == size:
        return precise
    if precise.kind is Kind.DEPTH:
        precise = precise.to(Kind.INVERSE_DEPTH)
    return precise.resized(size)
