"""From relative to true inverse depth by a scale and a shift, and what is known of both.

``y = scale · x + shift``: x is inverse depth in a unit of its own, as `DepthMap.relative` gives it,
y the inverse depth in 1/mm. `affine_fits` has the ways to find them.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError

Numbers = Float[Tensor, "*n"]


class Affine(NamedTuple):
    """``y = scale · x + shift``."""

    scale: float
    shift: float
    covariance: Float[Tensor, "2 2"]  # of (scale, shift); infinite where nothing tells it

    def __call__(self, x: Numbers) -> Numbers:
        """The inverse depth."""
        return self.scale * x + self.shift

    def deviation(self, x: Numbers) -> Numbers:
        """Standard deviation of the inverse depth that comes from the fit alone."""
        scale, both, _, shift = self.covariance.flatten().tolist()
        variance: Tensor = scale * x.square() + 2 * both * x + shift
        return variance.clamp_min(0).sqrt()

    def depth_mm(self, x: Numbers) -> tuple[Numbers, Numbers]:
        """Depth and its standard deviation from the fit, to first order; 0 past infinity."""
        inverse = self(x)
        seen = inverse > 0
        depth = torch.where(seen, 1 / torch.where(seen, inverse, 1.0), 0.0)
        return depth, torch.where(seen, self.deviation(x), 0.0) * depth.square()


def upright(fit: Affine) -> Affine:
    """The fit, if larger numbers are nearer by it.

    Raises:
        DataError: they are not.
    """
    if not fit.scale > 0:
        raise DataError(
            f"the relative depth falls where the inverse depth rises (scale {fit.scale:.3g}): are "
            "both of the same frame, and is one of them depth and not inverse depth?"
        )
    return fit


def without_shift(scale: float, variance: float) -> Affine:
    """A scale alone, and its variance."""
    covariance = torch.zeros(2, 2, dtype=torch.float64)
    covariance[0, 0] = variance
    return Affine(scale, 0.0, covariance)
