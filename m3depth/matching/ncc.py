"""How far a disparity is off, by normalised cross-correlation of both images."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.geometry.warp import warp

WINDOW = 7  # px, odd
ALIKE = 0.7  # correlation of two windows that show the same thing
PEAK = 0.02  # by which the best correlation must beat its neighbours: texture along the row


class MatchedError(NamedTuple):
    """What must be added to a disparity, in pixels, and where that could be measured."""

    error_px: Float[Tensor, "b 1 h w"]
    known: Bool[Tensor, "b 1 h w"]


@torch.no_grad()
def measured_error(
    left: Float[Tensor, "b 3 h w"],
    right: Float[Tensor, "b 3 h w"],
    disparity_px: Float[Tensor, "b 1 h w"],
    reach_px: int,
) -> MatchedError:
    """Match the left view's pixels within ``reach_px`` to both sides of their disparity.

    The best of the windows of 7x7 grey pixels; between whole pixels, the peak of a parabola. Known
    where the right view shows the pixel, both windows are alike, the peak stands out, and it is
    not at the end of the reach.
    """
    grey, other = left.mean(1, keepdim=True), right.mean(1, keepdim=True)
    ways = range(-reach_px, reach_px + 1)
    looked_up = [warp(other, -(disparity_px + way))[0] for way in ways]
    likeness = torch.cat([_correlation(grey, one) for one in looked_up], dim=1)
    best, index = likeness.max(1, keepdim=True)
    inside = (index > 0) & (index < 2 * reach_px)
    index = index.clamp(1, 2 * reach_px - 1)
    before, here, after = (likeness.gather(1, index + step) for step in (-1, 0, 1))
    bend = (2 * here - before - after).clamp_min(1e-6)
    error_px = index - reach_px + ((after - before) / (2 * bend)).clamp(-0.5, 0.5)
    _, visible = warp(other, -(disparity_px + error_px))
    stands_out = here - torch.minimum(before, after) > PEAK
    return MatchedError(error_px, visible & inside & stands_out & (best > ALIKE))


def _correlation(one: Tensor, other: Tensor) -> Tensor:
    """Of the windows about each pixel, -1 to 1."""
    mean, mean_other = _mean(one), _mean(other)
    covariance = _mean(one * other) - mean * mean_other
    variances = (_mean(one**2) - mean**2) * (_mean(other**2) - mean_other**2)
    return covariance / variances.clamp_min(1e-10).sqrt()


def _mean(image: Tensor) -> Tensor:
    return functional.avg_pool2d(image, WINDOW, 1, WINDOW // 2, count_include_pad=False)
