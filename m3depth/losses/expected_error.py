"""The error that a left image alone must leave, learned from what both images show."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.geometry.synthesis import Views
from m3depth.geometry.warp import warp
from m3depth.losses.terms import PerSample, mean_where

WINDOW = 7  # px, odd
ALIKE = 0.7  # correlation of two windows that show the same thing
PEAK = 0.02  # by which the best correlation must beat its neighbours: texture along the row


@dataclass(frozen=True)
class ExpectedError:
    """Negative log-likelihood of the measured disparity error under a Laplace distribution.

    Its scale is the network's ``error``: lowest where that is the mean absolute error. A matcher
    sees both images and measures about each predicted disparity; no depth label is used. Nothing
    but the error's own head learns from it.

    Attributes:
        weight: Factor of this term in the total.
        reach: How far the matcher looks to both sides, as a fraction of the width.
        rows: Share of the rows that are measured in a step, at random.
    """

    weight: float = 1.0
    reach: float = 0.025
    rows: float = 0.25

    def __call__(self, pyramid: Sequence[Views]) -> PerSample:
        """``log 2s + |e| / s`` with the error and its scale in px; mean over measured pixels."""
        finest = pyramid[0]
        left, right = finest.image
        if finest.error is None:
            nothing = left.new_zeros(len(left))
            return PerSample(nothing, nothing > 0)
        height, width = left.shape[-2:]
        count = min(height, max(WINDOW, round(self.rows * height)))
        first = int(torch.randint(height - count + 1, ()))  # on the CPU: nothing waits for a GPU
        band = (..., slice(first, first + count), slice(None))
        error_px, known = measured_error(
            left[band], right[band], width * finest.disparity.left[band], round(self.reach * width)
        )
        scale_px = width * finest.error[band]
        cost = (2 * scale_px).log() + error_px.abs() / scale_px
        return PerSample(mean_where(cost.where(known, 0.0), known), known.flatten(1).any(1))


@torch.no_grad()
def measured_error(
    left: Float[Tensor, "b 3 h w"],
    right: Float[Tensor, "b 3 h w"],
    disparity_px: Float[Tensor, "b 1 h w"],
    reach_px: int,
) -> tuple[Float[Tensor, "b 1 h w"], Bool[Tensor, "b 1 h w"]]:
    """What a matcher adds to the disparity, in pixels, and where it can tell.

    Normalised cross-correlation of 7x7 windows of grey, within ``reach_px`` to both sides of the
    disparity; between whole pixels the peak of a parabola. It can tell where the other view shows
    the pixel, the windows are alike, the peak stands out, and it is not at the end of the reach.
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
    return error_px, visible & inside & stands_out & (best > ALIKE)


def _correlation(one: Tensor, other: Tensor) -> Tensor:
    """Of the windows about each pixel, -1 to 1."""
    mean, mean_other = _mean(one), _mean(other)
    covariance = _mean(one * other) - mean * mean_other
    variances = (_mean(one**2) - mean**2) * (_mean(other**2) - mean_other**2)
    return covariance / variances.clamp_min(1e-10).sqrt()


def _mean(image: Tensor) -> Tensor:
    return functional.avg_pool2d(image, WINDOW, 1, WINDOW // 2, count_include_pad=False)
