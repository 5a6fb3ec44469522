"""The metrics, as pure functions of the pixels that count.

Each takes the predicted and the true value of the same pixels, in any shape, and gives a scalar.
Sums are made in float64. The seven depth metrics are those of Eigen et al. (2014).
"""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

Metric = Callable[[Float[Tensor, "*n"], Float[Tensor, "*n"]], Float[Tensor, ""]]

EDGES_MM = (0, 30, 50, 70, 100, 150, 300)
DEPTH_BINS_MM = {f"mae_mm_{low}_{high}": (low, high) for low, high in pairwise(EDGES_MM)}


def mae(predicted: Float[Tensor, "*n"], true: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean absolute error, ``mean |p - t|``; of disparity it is the end-point error.

    >>> mae(torch.tensor([50.0, 60.0]), torch.tensor([52.0, 60.0])).item()
    1.0
    """
    return (predicted.double() - true.double()).abs().mean()


def abs_rel(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Absolute relative error, ``mean |p - t| / t``.

    >>> abs_rel(torch.tensor([50.0, 60.0]), torch.tensor([100.0, 60.0])).item()
    0.25
    """
    true = true_mm.double()
    return ((predicted_mm.double() - true).abs() / true).mean()


def sq_rel(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Squared relative error in millimetres, ``mean (p - t)² / t``.

    >>> sq_rel(torch.tensor([50.0, 60.0]), torch.tensor([100.0, 60.0])).item()
    12.5
    """
    true = true_mm.double()
    return ((predicted_mm.double() - true).square() / true).mean()


def rmse(predicted: Float[Tensor, "*n"], true: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Root of the mean squared error, ``√ mean (p - t)²``.

    >>> rmse(torch.tensor([53.0, 57.0]), torch.tensor([50.0, 60.0])).item()
    3.0
    """
    return (predicted.double() - true.double()).square().mean().sqrt()


def rmse_log(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Root of the mean squared error of the natural logarithm, ``√ mean (ln p - ln t)²``.

    >>> round(rmse_log(torch.tensor([2.718281828]), torch.tensor([1.0])).item(), 6)
    1.0
    """
    return (predicted_mm.double().log() - true_mm.double().log()).square().mean().sqrt()


def share_within(
    ratio: float, predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]
) -> Float[Tensor, ""]:
    """Share of pixels with ``max(p/t, t/p) < ratio``.

    >>> share_within(1.25, torch.tensor([50.0, 60.0]), torch.tensor([51.0, 90.0])).item()
    0.5
    """
    predicted, true = predicted_mm.double(), true_mm.double()
    return (torch.maximum(predicted / true, true / predicted) < ratio).double().mean()


def share_beyond(
    most: float, predicted: Float[Tensor, "*n"], true: Float[Tensor, "*n"]
) -> Float[Tensor, ""]:
    """Share of pixels that are wrong by more than ``most`` (Middlebury's bad 2.0).

    >>> share_beyond(2, torch.tensor([10.0, 12.0]), torch.tensor([13.0, 12.0])).item()
    0.5
    """
    return ((predicted.double() - true.double()).abs() > most).double().mean()


DEPTH_METRICS: Mapping[str, Metric] = {
    "mae_mm": mae,
    "abs_rel": abs_rel,
    "sq_rel_mm": sq_rel,
    "rmse_mm": rmse,
    "rmse_log": rmse_log,
    "d1": partial(share_within, 1.25),
    "d2": partial(share_within, 1.25**2),
    "d3": partial(share_within, 1.25**3),
}
DISPARITY_METRICS: Mapping[str, Metric] = {  # of disparities in pixels
    "epe_px": mae,
    "rmse_px": rmse,
    "bad2": partial(share_beyond, 2),
    "bad3": partial(share_beyond, 3),
}


def score(
    metrics: Mapping[str, Metric], predicted: Float[Tensor, "*n"], true: Float[Tensor, "*n"]
) -> dict[str, float]:
    """Every metric by its name.

    >>> score({"mae_mm": mae}, torch.tensor([50.0]), torch.tensor([51.0]))
    {'mae_mm': 1.0}
    """
    return {name: metric(predicted, true).item() for name, metric in metrics.items()}


def mae_by_depth(
    predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]
) -> dict[str, float]:
    """`mae` of the pixels with a true depth in each of `DEPTH_BINS_MM`, near end included.

    An error that a mean over the frame hides: far tissue is harder. A bin without a pixel is
    absent.

    >>> mae_by_depth(torch.tensor([31.0, 66.0]), torch.tensor([30.0, 60.0]))
    {'mae_mm_30_50': 1.0, 'mae_mm_50_70': 6.0}
    """
    found = {}
    for name, (low, high) in DEPTH_BINS_MM.items():
        inside = (true_mm >= low) & (true_mm < high)
        if inside.any():
            found[name] = mae(predicted_mm[inside], true_mm[inside]).item()
    return found
