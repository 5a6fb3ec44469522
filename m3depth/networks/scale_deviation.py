"""How surely a network knows the scale of an image, from how strange the image is to it."""

import math
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

from m3depth.types import DepthMap, Kind

LOG_SLOPES = (-8.0, 4.0)  # that are looked at: from none to one that knows nothing
TINY = 1e-9

Numbers = Float[NDArray[np.floating], " n"]


class ScaleDeviation(NamedTuple):
    """Of the logarithm of one factor that all depth of an image has in common.

    A strange image's nearness is what a usual one's would be and an error of variance
    ``excess = slope² · (strangeness - usual)``, not below 0. Of images whose nearness is spread
    about a middle the factor is then off by ``lost · (nearness - middle)`` on average, where
    ``lost = excess / (excess + spread²)``, and by ``floor² + excess · (1 - lost)`` about that
    (Gaussian prior and error; regression to the mean). The deviation is the root of both squares'
    sum: an image that is strange *and* unusually near or far is known least.

    Strangeness is a squared distance: see `strangeness`. Nearness: see `nearness`.
    """

    floor: float
    slope: float
    usual: float
    middle: float = 0.0
    spread: float = math.inf  # nothing is known of how near images are: checkpoints before this
    infinity: float = 0.0  # disparity of what is infinitely far, fraction of the width

    def __call__(
        self, strange: Float[Tensor, " b"], near: Float[Tensor, " b"]
    ) -> Float[Tensor, " b"]:
        """Of each image."""
        excess, lost = self._parts(strange)
        about = self.floor**2 + excess * (1 - lost)
        deviation: Tensor = (about + (lost * (near - self.middle)) ** 2) ** 0.5
        return deviation

    def _parts(self, strange: Any) -> tuple[Any, Any]:
        """``excess`` and ``lost`` of arrays or tensors."""
        beyond = strange - self.usual
        excess = self.slope**2 * beyond * (beyond > 0)
        return excess, excess / (excess + self.spread**2)

    @classmethod
    def without_slope(cls, strange: Numbers, near: Numbers, log_ratio: Numbers) -> "ScaleDeviation":
        """Of usual images, each with the logarithm of its depth over another, better one."""
        floor = max(float(np.sqrt(np.mean(log_ratio**2))), TINY)
        true = near + log_ratio  # nearer by as much as the depth was too far
        return cls(floor, 0.0, float(strange.mean()), float(true.mean()), float(true.std()) + TINY)

    def fitted(self, strange: Numbers, near: Numbers, log_ratio: Numbers) -> "ScaleDeviation":
        """With the slope that makes what was seen of other images the likeliest."""

        def cost(log_slope: float) -> float:
            excess, lost = self._replace(slope=np.exp(log_slope))._parts(strange)
            variance = self.floor**2 + excess * (1 - lost)
            squared = (log_ratio - lost * (self.middle - near)) ** 2
            return float((np.log(variance) + squared / variance).sum())

        return self._replace(slope=float(np.exp(minimize_scalar(cost, bounds=LOG_SLOPES).x)))


def nearness(found: DepthMap, infinity: float) -> Float[Tensor, " b"]:
    """Logarithm of each image's median inverse depth, in the map's own unit.

    Args:
        found: Of a network of metric depth.
        infinity: See `ScaleDeviation`.
    """
    middle = found.values.flatten(1).median(1).values
    if found.kind is Kind.DEPTH:
        return -middle.clamp_min(TINY).log()
    return (middle - infinity).clamp_min(TINY).log()
