"""The error to expect from the left image alone, learned from what both images show."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from m3depth.geometry.synthesis import Views
from m3depth.losses.terms import PerSample, mean_where
from m3depth.matching.ncc import WINDOW, measured_error


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
        """``log 2s + |e| / s``, both in px, mean over measured pixels; 0 where there is none."""
        finest = pyramid[0]
        left, right = finest.image
        if finest.error is None:
            return PerSample.of_all(left.new_zeros(len(left)))
        height, width = left.shape[-2:]
        band = (..., *_random_rows(height, self.rows))
        reach_px = max(1, round(self.reach * width))  # three disparities at least
        error_px, known = measured_error(
            left[band], right[band], width * finest.disparity.left[band], reach_px
        )
        scale_px = width * finest.error[band]
        cost = (2 * scale_px).log() + error_px.abs() / scale_px
        return PerSample.of_all(mean_where(cost.where(known, 0.0), known))


def _random_rows(height: int, share: float) -> tuple[slice, slice]:
    """A random band of rows with all columns, to index the last two dimensions with."""
    count = min(height, max(WINDOW, round(share * height)))
    first = int(torch.randint(height - count + 1, ()))  # on the CPU: nothing waits for a GPU
    return slice(first, first + count), slice(None)
