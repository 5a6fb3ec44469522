"""Which of prediction and truth is brought to the other's resolution before they are compared."""

from collections.abc import Callable

from torch.nn.functional import interpolate

from m3depth.evaluation.truth import Prediction, Truth, nearest, size_of

Resize = Callable[[Prediction, Truth], tuple[Prediction, Truth]]


def prediction_to_truth(prediction: Prediction, truth: Truth) -> tuple[Prediction, Truth]:
    """The disparity goes to the truth's size and only there becomes depth.

    Bilinear, with the sampling of OpenCV's ``INTER_LINEAR``: AF-SfMLearner's rule, and that of
    most tables.
    """
    return prediction.at(size_of(truth.depth_mm)), truth


def truth_to_prediction(prediction: Prediction, truth: Truth) -> tuple[Prediction, Truth]:
    """The truth goes to the prediction's size, by its nearest pixels, so that none is made up."""
    old, new = size_of(truth.depth_mm), size_of(prediction.fraction)
    smaller = Truth(
        depth_mm=interpolate(truth.depth_mm, new, mode="nearest-exact"),
        counts=nearest(truth.counts, new),
        rig=truth.rig.resized(old, new),
        key=truth.key,
        occluded=None if truth.occluded is None else nearest(truth.occluded, new),
    )
    return prediction.at(new), smaller
