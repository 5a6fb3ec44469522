"""How surely a network knows the scale of an image, from how strange the image is to it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

LOG_SLOPES = (-8.0, 4.0)  # that are looked at: from none to one that knows nothing

Numbers = Float[NDArray[np.floating], " n"]


class ScaleDeviation(NamedTuple):
    """``deviation² = floor² + slope² · (strangeness - usual)``, and the floor below the usual.

    The deviation is the standard deviation of the logarithm of one factor that all depth of an
    image has in common. Strangeness is a squared distance: see `strangeness`.
    """

    floor: float
    slope: float
    usual: float

    def __call__(self, strange: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Of each image."""
        return (self.floor**2 + self.slope**2 * (strange - self.usual).clamp_min(0)).sqrt()


def fitted(strange: Numbers, log_ratio: Numbers, floor: float, usual: float) -> ScaleDeviation:
    """The slope that makes what was seen the likeliest, if it is normally distributed.

    Args:
        strange: Of each image.
        log_ratio: Logarithm of its depth over another, better one.
        floor: See `ScaleDeviation`.
        usual: See `ScaleDeviation`.
    """
    beyond, squared = np.maximum(strange - usual, 0), log_ratio**2

    def cost(log_slope: float) -> float:
        variance = floor**2 + np.exp(2 * log_slope) * beyond
        return float((np.log(variance) + squared / variance).sum())

    log_slope = minimize_scalar(cost, bounds=LOG_SLOPES).x
    return ScaleDeviation(floor, float(np.exp(log_slope)), usual)
