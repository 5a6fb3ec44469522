"""The metrics, as pure functions of the pixels that count.

Each takes the predicted and the true value of the same pixels, in any shape, and gives a scalar.
Sums are made in float64. The seven depth metrics are those of Eigen et al. (2014).
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from kornia.metrics import ssim as ssim_map
from torch import Tensor

Metric = Callable[[Float[Tensor, "*n"], Float[Tensor, "*n"]], Float[Tensor, ""]]

SSIM_WINDOW = 11  # Wang et al. (2004): Gaussian, sigma 1.5


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


def bad2(predicted_px: Float[Tensor, "*n"], true_px: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """Share of pixels whose disparity is wrong by more than 2 px (Middlebury's bad 2.0).

    >>> bad2(torch.tensor([10.0, 12.0]), torch.tensor([13.0, 12.0])).item()
    0.5
    """
    return ((predicted_px.double() - true_px.double()).abs() > 2).double().mean()


def ssim(
    image: Float[Tensor, "b c h w"],
    other: Float[Tensor, "b c h w"],
    counts: Bool[Tensor, "b 1 h w"],
) -> Float[Tensor, ""]:
    """Mean structural similarity (Wang et al., 2004) over the pixels that count.

    Images are in [0, 1]; the window is kornia's Gaussian of 11x11.

    >>> image = torch.rand(1, 3, 16, 16)
    >>> round(ssim(image, image, torch.ones(1, 1, 16, 16, dtype=torch.bool)).item(), 6)
    1.0
    """
    similar = ssim_map(image, other, window_size=SSIM_WINDOW).double().mean(dim=1, keepdim=True)
    return similar[counts].mean()


DEPTH_METRICS: tuple[Metric, ...] = (mae_mm, abs_rel, sq_rel_mm, rmse_mm, rmse_log, d1, d2, d3)
DISPARITY_METRICS: tuple[Metric, ...] = (epe_px, bad2)


def score(
    metrics: tuple[Metric, ...], predicted: Float[Tensor, "*n"], true: Float[Tensor, "*n"]
) -> dict[str, float]:
    """Every metric under its own name.

    >>> score((mae_mm,), torch.tensor([50.0]), torch.tensor([51.0]))
    {'mae_mm': 1.0}
    """
    return {metric.__name__: metric(predicted, true).item() for metric in metrics}


def _share_within(
    ratio: float, predicted_mm: Float[Tensor, "*n"], true_mm: Float[Tensor, "*n"]
) -> Float[Tensor, ""]:
    predicted, true = predicted_mm.double(), true_mm.double()
    return (torch.maximum(predicted / true, true / predicted) < ratio).double().mean()
