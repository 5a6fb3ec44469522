"""Losses on the logarithm of depth, ``g = ln z - ln z*`` over the valid pixels of each image.

A pixel whose predicted or true depth is not above 0 or not finite is not valid. An image with too
few valid pixels has the value 0 and is not counted.
"""

import torch

from m3depth.losses.per_image import Maps, Where, centred, precisely
from m3depth.losses.terms import PerSample, mean_where


@precisely
def silog(
    predicted: Maps, true: Maps, valid: Where, factor: float = 10.0, mean_weight: float = 0.15
) -> PerSample:
    """``factor · √(var g + mean_weight · (mean g)²)``, ZoeDepth's SILog; both depths in mm.

    The variance is divided by M, not by M - 1. Depth Anything V2's is ``factor=1``,
    ``mean_weight=0.5``. A perfect prediction has the gradient 0. One valid pixel is enough.

    Source: Bhat et al. 2023, arXiv 2302.12288, and its released code; after Eigen et al. 2014.
    """
    log_ratio, valid = _log_ratio(predicted, true, valid)
    mean = mean_where(log_ratio, valid)
    inside = mean_where(centred(log_ratio, valid).square(), valid) + mean_weight * mean.square()
    value = factor * torch.where(inside > 0, inside, 1.0).sqrt()
    return PerSample(torch.where(inside > 0, value, 0.0), valid.flatten(1).any(1))


@precisely
def scale_invariant(predicted: Maps, true: Maps, valid: Where) -> PerSample:
    """``var g``: Eigen's scale-invariant error, ``1/M Σ g² - 1/M² (Σ g)²``.

    Whatever factor either depth has, the value is the same, so it takes depth up to scale as well.
    Two valid pixels are needed.

    Source: Eigen et al. 2014, arXiv 1406.2283, equation 3 with λ = 1.
    """
    log_ratio, valid = _log_ratio(predicted, true, valid)
    variance = mean_where(centred(log_ratio, valid).square(), valid)
    return PerSample(variance, valid.flatten(1).sum(1) > 1)


def _log_ratio(predicted: Maps, true: Maps, valid: Where) -> tuple[Maps, Where]:
    valid = valid & (predicted > 0) & (true > 0)
    found, target = (torch.where(valid, one, 1.0).log() for one in (predicted, true))
    return found - target, valid
