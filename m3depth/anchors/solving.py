"""The scale and the shift that anchors agree on, robustly."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import least_squares

from m3depth.anchors.anchors import Anchors
from m3depth.errors import DataError

KNEE = 0.05  # of what is known: at first anchors that are further off pull no more than those at it
NORMAL = 1.4826  # a normal distribution's standard deviation over its median absolute deviation
TUNED = 2.385  # standard deviations: 95 % of least squares' efficiency on normal errors

Numbers = Float[NDArray[np.float64], "_"]


def solved(anchors: Anchors, shifted: bool) -> Numbers:
    """(scale, shift): Huber's estimate, then Cauchy's, which lets go of what is far off.

    Args:
        anchors: What is known.
        shifted: Whether a shift is to be found; else it is 0.

    Raises:
        DataError: no scale above 0 agrees with them.
    """
    lift = _lift(anchors.r) if shifted else 0.0
    anchors = replace(anchors, r=anchors.r + lift)
    middle = float(np.median(anchors.r))
    if not middle > 0:
        raise DataError(
            "the relative inverse depth is not above 0 where the anchors are, so a scale alone "
            "cannot be found: give some at another depth"
        )
    # An anchor's error is linear in a scale alone: the median anchor's is 0 where this starts
    unit = np.array([1 / middle, 1.0]) / np.median(1 + anchors.error(1 / middle, 0.0))
    weight = np.nan_to_num(KNEE / anchors.deviation, nan=1.0)

    def both(numbers: Numbers) -> Numbers:
        found: Numbers = unit * np.pad(numbers, (0, 2 - len(numbers)))
        return found

    def errors(numbers: Numbers) -> Numbers:
        off: Numbers = weight * anchors.error(*both(numbers))
        return off

    numbers = np.array([1.0, 0.0]) if shifted else np.array([1.0])
    numbers = least_squares(errors, numbers, loss="huber", f_scale=KNEE).x
    spread = max(NORMAL * float(np.median(np.abs(errors(numbers)))), 1e-6)
    found = both(least_squares(errors, numbers, loss="cauchy", f_scale=TUNED * spread).x)
    if not found[0] > 0:
        raise DataError(
            "the anchors are nearer where the relative depth says farther: are they of these "
            "frames, and are their places (x, y) from the left, from the top?"
        )
    found[1] += lift * found[0]
    return found


def _lift(r: Float[NDArray[np.float64], "n 2"]) -> float:
    """What makes all of r positive, which its unknown shift leaves free: the fit begins at 0."""
    return 0.0 if r.min() > 0 else float(np.ptp(r) - r.min())
