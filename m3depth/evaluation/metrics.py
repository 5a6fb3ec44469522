"""The metrics, as pure functions of the pixels that count.

Each takes the predicted and the true value of the same pixels, in any shape, and gives a scalar.
Sums are made in float64. The seven depth metrics are those of Eigen et al. (2014).
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

Metric = Callable[[Float[Tensor, "*n"], Float[Tensor, "*n"]], Float[Tensor, ""]]

DEPTH_BINS_MM = (0, 30, 50, 70, 100, 150, 300)


def mae_mm(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Mean absolute error in millimetres, ``mean |p - t|``.

    >>> mae_mm(torch.tensor([50.0, 60.0]), torch.tensor([52.0, 60.0])).item()
    1.0
    """
    return (predicted_mm.double() - true_mm.double()).abs().mean()


def abs_rel(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Absolute relative error, ``mean |p - t| / t``.

    >>> abs_rel(torch.tensor([50.0, 60.0]), torch.tensor([100.0, 60.0])).item()
    0.25
    """
    true = true_mm.double()
    return ((predicted_mm.double() - true).abs() / true).mean()


def sq_rel_mm(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Squared relative error in millimetres, ``mean (p - t)² / t``.

    >>> sq_rel_mm(torch.tensor([50.0, 60.0]), torch.tensor([100.0, 60.0])).item()
    12.5
    """
    true = true_mm.double()
    return ((predicted_mm.double() - true).square() / true).mean()


def rmse_mm(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Root of the mean squared error in millimetres, ``√ mean (p - t)²``.

    >>> rmse_mm(torch.tensor([53.0, 57.0]), torch.tensor([50.0, 60.0])).item()
    3.0
    """
    return (predicted_mm.double() - true_mm.double()).square().mean().sqrt()


def rmse_log(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Root of the mean squared error of the natural logarithm, ``√ mean (ln p - ln t)²``.

    >>> round(rmse_log(torch.tensor([2.718281828]), torch.tensor([1.0])).item(), 6)
    1.0
    """
    return (predicted_mm.double().log() - true_mm.double().log()).square().mean().sqrt()


def d1(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Share of pixels with ``max(p/t, t/p) < 1.25``.

    >>> d1(torch.tensor([50.0, 60.0]), torch.tensor([51.0, 90.0])).item()
    0.5
    """
    return _share_within(1.25, predicted_mm, true_mm)


def d2(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Share of pixels with ``max(p/t, t/p) < 1.25²``.

    >>> d2(torch.tensor([50.0, 60.0]), torch.tensor([51.0, 100.0])).item()
    0.5
    """
    return _share_within(1.25**2, predicted_mm, true_mm)


def d3(predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Share of pixels with ``max(p/t, t/p) < 1.25³``.

    >>> d3(torch.tensor([50.0, 60.0]), torch.tensor([51.0, 100.0])).item()
    1.0
    """
    return _share_within(1.25**3, predicted_mm, true_mm)


def epe_px(predicted_px: Float[Tensor, "*n"], true_px: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """End-point error of the disparity in pixels, ``mean |p - t|``.

    >>> epe_px(torch.tensor([10.0, 12.0]), torch.tensor([13.0, 12.0])).item()
    1.5
    """
    return (predicted_px.double() - true_px.double()).abs().mean()


def rmse_px(predicted_px: Float[Tensor, "*n"], true_px: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Root of the mean squared error of the disparity in pixels, ``√ mean (p - t)²``.

    >>> rmse_px(torch.tensor([13.0, 9.0]), torch.tensor([10.0, 12.0])).item()
    3.0
    """
    return (predicted_px.double() - true_px.double()).square().mean().sqrt()


def bad2(predicted_px: Float[Tensor, "*n"], true_px: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Share of pixels whose disparity is wrong by more than 2 px (Middlebury's bad 2.0).

    >>> bad2(torch.tensor([10.0, 12.0]), torch.tensor([13.0, 12.0])).item()
    0.5
    """
    return _share_beyond(2, predicted_px, true_px)


def bad3(predicted_px: Float[Tensor, "*n"], true_px: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Share of pixels whose disparity is wrong by more than 3 px.

    >>> bad3(torch.tensor([10.0, 12.0]), torch.tensor([13.0, 16.0])).item()
    0.5
    """
    return _share_beyond(3, predicted_px, true_px)


DEPTH_METRICS: tuple[Metric, ...] = (mae_mm, abs_rel, sq_rel_mm, rmse_mm, rmse_log, d1, d2, d3)
DISPARITY_METRICS: tuple[Metric, ...] = (epe_px, rmse_px, bad2, bad3)


def score(
    metrics: tuple[Metric, ...], predicted: Float[Tensor, "*n"], true: Float[Tensor, "*n"]
) -> dict[str, float]:
    """Every metric under its own name.

    >>> score((mae_mm,), torch.tensor([50.0]), torch.tensor([51.0]))
    {'mae_mm': 1.0}
    """
    return {metric.__name__: metric(predicted, true).item() for metric in metrics}


def mae_by_depth(
    predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]
) -> dict[str, float]:
    """`mae_mm` of the pixels with a true depth in each of `DEPTH_BINS_MM`, near end included.

    An error that a mean over the frame hides: far tissue is harder. A bin without a pixel is
    absent.

    >>> mae_by_depth(torch.tensor([31.0, 66.0]), torch.tensor([30.0, 60.0]))
    {'mae_mm_30_50': 1.0, 'mae_mm_50_70': 6.0}
    """
    found = {}
    for low, high in pairwise(DEPTH_BINS_MM):
        inside = (true_mm >= low) & (true_mm < high)
        if inside.any():
            found[bin_name(low, high)] = mae_mm(predicted_mm[inside], true_mm[inside]).item()
    return found


def bin_name(low_mm: int, high_mm: int) -> str:
    """What a bin is called."""
    return f"mae_mm_{low_mm}_{high_mm}"


def _share_within(
    ratio: float, predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]
) -> Float[Tensor, ""]:
    predicted, true = predicted_mm.double(), true_mm.double()
    return (torch.maximum(predicted / true, true / predicted) < ratio).double().mean()


def _share_beyond(
    least_px: float, predicted_px: Float[Tensor, "*n"], true_px: Float[Tensor, "*n"]
) -> Float[Tensor, ""]:
    return ((predicted_px.double() - true_px.double()).abs() > least_px).double().mean()
