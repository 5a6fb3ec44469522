"""How surely a network knows the scale of an image, from how strange the image is to it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

FEWEST = 8  # images that two numbers are found from
LEAST = 1e-3  # of a deviation: nothing is known better


class ScaleDeviation(NamedTuple):
    """``deviation² = floor² + slope² · strangeness``.

    The deviation is the standard deviation of the logarithm of one factor that all depth of an
    image has in common. Strangeness is a squared distance: see `strangeness`.
    """

    floor: float
    slope: float

    def __call__(self, strange: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """Of each image."""
        return (self.floor**2 + self.slope**2 * strange).sqrt()


def fitted(
    strange: Float[NDArray[np.floating], " n"], log_ratio: Float[NDArray[np.floating], " n"]
) -> ScaleDeviation | None:
    """The two numbers that make what was seen the likeliest, if it is normally distributed.

    Args:
        strange: Of each image; what is not finite is left out.
        log_ratio: Logarithm of its depth over another, better one; likewise.

    Returns:
        None of fewer than `FEWEST` images.
    """
    known = np.isfinite(strange) & np.isfinite(log_ratio)
    if np.count_nonzero(known) < FEWEST:
        return None
    k, squared = strange[known], log_ratio[known] ** 2

    def cost(logs: NDArray[np.float64]) -> float:
        floor, slope = np.exp(logs)
        variance = LEAST**2 + floor**2 + slope**2 * k
        return float((np.log(variance) + squared / variance).sum())

    spread = max(LEAST, float(np.sqrt(squared.mean())))
    start = np.log([spread / 2, spread / (2 * np.sqrt(k.mean() + LEAST))])
    floor, slope = np.exp(minimize(cost, start, method="Nelder-Mead").x)
    return ScaleDeviation(float(np.hypot(LEAST, floor)), float(slope))
