"""Losses that are blind to scale and shift, between inverse depths of any unit (MiDaS).

Each compares a predicted map with a true one over the valid pixels, image by image; both are
inverse depth up to scale and shift, such as `DepthMap.relative` gives. Whatever positive scale and
whatever shift either map has, the value is the same. An image whose *truth* has no relief
(constant, one valid pixel or none) tells nothing: its value is finite and it is not counted. A
prediction without relief has the value of a plane, and a finite gradient.

Source: Ranftl et al. 2020, arXiv 1907.01341, section 5.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.losses.per_image import (
    Maps,
    Where,
    centred,
    median_or_mean_where,
    normalised,
    precisely,
    without_largest,
)
from m3depth.losses.terms import PerSample, mean_where

TRIMMED = 0.2  # share of an image's pixels that are taken for outliers
SCALES = 4  # of gradient matching


@precisely
def mse(predicted: Maps, true: Maps, valid: Where) -> PerSample:
    """``1/2M Σ (a d + b - d*)²`` with the best ``a`` and ``b`` (L_ssimse).

    ``d*`` is normalised by its median and mean deviation first, so that images of any unit weigh
    alike. 1/2 of ``d*``'s variance for a prediction without relief. As the paper's it is blind to
    the sign of ``a``: a relief turned inside out fits as well, which `mae` tells.
    """
    found, relief = normalised(predicted, valid)
    target, counted = normalised(true, valid)
    found, target = centred(found, valid), centred(target, valid)
    variance = torch.where(relief, mean_where(found.square(), valid), 1.0)
    slope = mean_where(found * target, valid) / variance
    residual = slope[:, None, None, None] * found - target
    return PerSample(mean_where(residual.square(), valid) / 2, counted)


@precisely
def mae(predicted: Maps, true: Maps, valid: Where) -> PerSample:
    """``1/2M Σ |d - d*|`` of maps normalised by median and mean deviation (L_ssimae)."""
    residual, counted = _residual(predicted, true, valid)
    return PerSample(mean_where(residual.abs(), valid) / 2, counted)


@precisely
def trimmed_mae(predicted: Maps, true: Maps, valid: Where, trimmed: float = TRIMMED) -> PerSample:
    """`mae` without the ``trimmed`` share of each image's largest residuals (L_ssitrim).

    The sum of the rest is still divided by 2M. Labels that are outliers are not learned from,
    however large they are: they are found in maps normalised by their median deviation, and the
    residuals are those of maps normalised over the other pixels alone. (The paper normalises by
    the mean deviation of all valid pixels, which a few outliers change as much as they like.)
    """
    found, target = (normalised(one, valid, median_or_mean_where)[0] for one in (predicted, true))
    trusted = without_largest((found - target).detach().abs(), valid, trimmed)
    residual, counted = _residual(predicted, true, trusted)
    return PerSample(mean_where(residual.abs(), valid) / 2, counted)


@precisely
def gradient_matching(predicted: Maps, true: Maps, valid: Where, scales: int = SCALES) -> PerSample:
    """``Σ_k 1/M_k Σ |∂x R_k| + |∂y R_k|`` (L_reg), ``R_k`` `mae`'s residual at every 2^k-th pixel.

    Sharp edges of the prediction should be where the truth's are. A slope counts where both its
    pixels are valid; ``M_k`` is the number of valid pixels of scale k, so that scales weigh alike.
    """
    residual, counted = _residual(predicted, true, valid)
    steps = [2**k for k in range(scales)]
    rough = [_roughness(residual[..., ::n, ::n], valid[..., ::n, ::n]) for n in steps]
    return PerSample(torch.stack(rough).sum(0), counted)


def _residual(predicted: Maps, true: Maps, valid: Where) -> tuple[Maps, Tensor]:
    found, _ = normalised(predicted, valid)
    target, counted = normalised(true, valid)
    return found - target, counted


def _roughness(residual: Maps, valid: Where) -> Float[Tensor, " b"]:
    across = residual.diff(dim=-1).abs() * (valid[..., 1:] & valid[..., :-1])
    down = residual.diff(dim=-2).abs() * (valid[..., 1:, :] & valid[..., :-1, :])
    count = valid.flatten(1).sum(1).clamp_min(1)
    return (across.flatten(1).sum(1) + down.flatten(1).sum(1)) / count
