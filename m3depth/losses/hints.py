"""A pull towards what a matcher sees in both images."""

from collections.abc import Sequence
from dataclasses import dataclass

from m3depth.geometry.synthesis import Views
from m3depth.losses.matching import measured_error, random_rows
from m3depth.losses.terms import PerSample, mean_where


@dataclass(frozen=True)
class MatcherHint:
    """Mean distance of both disparities from the matcher's, after Watson et al. 2019.

    The photometric error leads downhill only from within about a pixel; the matcher looks farther.
    It sees the training pair and no depth label.

    Attributes:
        weight: Factor of this term in the total.
        reach: How far the matcher looks to both sides, as a fraction of the width.
        rows: Share of the rows that are matched in a step, at random.
    """

    weight: float
    reach: float = 0.05
    rows: float = 0.5

    def __call__(self, pyramid: Sequence[Views]) -> PerSample:
        """Fraction of the width, over the pixels that could be matched; left and right added."""
        finest = pyramid[0]
        left, right = finest.image
        height, width = left.shape[-2:]
        band = (..., *random_rows(height, self.rows))
        of_left = left[band], right[band], finest.disparity.left[band]
        # the mirrored right view is a left one
        of_right = (one.flip(-1) for one in (right[band], left[band], finest.disparity.right[band]))
        values, counted = [], []
        for image, other, disparity in (of_left, of_right):
            measured = measured_error(image, other, width * disparity, round(self.reach * width))
            goal = disparity.detach() + measured.error_px / width
            values.append(mean_where((disparity - goal).abs(), measured.known))
            counted.append(measured.known.flatten(1).any(1))
        return PerSample(values[0] + values[1], counted[0] | counted[1])
