"""A scale and a shift by anchors, robustly, with what is known of both."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import t as students_t

from m3depth.anchors.anchor import Anchor
from m3depth.errors import DataError
from m3depth.geometry.affine import Affine

KNEE = 0.05  # of what is known: at first anchors that are further off pull no more than those at it
NORMAL = 1.4826  # a normal distribution's standard deviation over its median absolute deviation
TUNED = 2.385  # standard deviations: 95 % of least squares' efficiency on normal errors
ONE_DEPTH = 0.02  # a spread of relative depth, as a share, below which a shift cannot be found
FEWEST_GROUPS = 4  # for a spread over groups to mean something
SURE = 0.95

logger = logging.getLogger(__name__)
Numbers = Float[NDArray[np.float64], "_"]


class AnchoredFit(NamedTuple):
    """``1 / z = scale · r + shift``, and how sure that is."""

    line: Affine  # with the covariance of both
    freedom: float  # degrees of freedom of that covariance
    middle: float  # the anchors' median r, where the scale is told
    held_back: float | None  # mean error of an anchor by a fit to the other groups, a share
    anchors: int
    with_shift: bool

    @property
    def depth_mm(self) -> float:
        """At the middle."""
        return 1 / float(self.line(torch.tensor(self.middle)))

    @property
    def deviation(self) -> float:
        """Standard deviation of depth at the middle, as a share of it."""
        _, off_mm = self.line.depth_mm(torch.tensor(self.middle, dtype=torch.float64))
        return float(off_mm) / self.depth_mm

    @property
    def interval(self) -> tuple[float, float]:
        """Within which the depth at the middle lies with 95 %, in mm (Student's t)."""
        wide = float(students_t.ppf((1 + SURE) / 2, self.freedom)) * self.deviation
        return self.depth_mm * (1 - wide), self.depth_mm * (1 + wide)


def fit(anchors: Sequence[Anchor], with_shift: bool) -> AnchoredFit:
    """Find both, or the scale alone.

    Args:
        anchors: What is known.
        with_shift: Whether the relative depth has a shift that is not known. Where the anchors
            cannot tell it (all at one depth, or one alone), a warning says so, and it is 0.

    Raises:
        DataError: no anchor, or they do not agree with any scale above 0.
    """
    if not anchors:
        raise DataError("no anchor lies where the depth is known: nothing tells the scale")
    seen = np.array([r for anchor in anchors for r in anchor.relative])
    middle = float(np.median(seen))
    shifted = with_shift and _tells_shift(anchors, seen)
    found = _solved(anchors, middle, shifted)
    groups = sorted({anchor.group for anchor in anchors})
    without = {
        group: _solved([one for one in anchors if one.group != group], middle, shifted)
        for group in groups
        if len(groups) >= FEWEST_GROUPS
    }
    covariance, freedom = (
        _jackknife(list(without.values()))
        if without
        else _by_residuals(anchors, found, middle, shifted)
    )
    line = Affine(float(found[0]), float(found[1]), torch.from_numpy(covariance))
    held_back = [abs(one.error(*without[one.group])) for one in anchors] if without else []
    mean = float(np.mean(held_back)) if held_back else None
    return AnchoredFit(line, freedom, middle, mean, len(anchors), shifted)


def _tells_shift(anchors: Sequence[Anchor], seen: Numbers) -> bool:
    spread = float(np.ptp(seen)) / max(float(np.abs(seen).max()), 1e-300)
    if len(anchors) > 1 and spread > ONE_DEPTH:
        return True
    why = "there is one anchor" if len(anchors) == 1 else "all anchors lie at one depth"
    logger.warning("%s, so a scale and a shift cannot both be found: fitted the scale alone", why)
    return False


def _solved(anchors: Sequence[Anchor], middle: float, shifted: bool) -> Numbers:
    """(scale, shift); errors are shares, and beyond `KNEE` they pull no harder (Huber)."""
    unit = np.array([1 / middle, 1.0]) * _first_inverse(anchors, middle)

    weight = np.array([KNEE / (one.deviation or KNEE) for one in anchors])

    def both(numbers: Numbers) -> Numbers:
        found: Numbers = unit * np.pad(numbers, (0, 2 - len(numbers)))
        return found

    def errors(numbers: Numbers) -> Numbers:
        off: Numbers = weight * np.array([one.error(*both(numbers)) for one in anchors])
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
    return found


def _first_inverse(anchors: Sequence[Anchor], middle: float) -> float:
    """Inverse depth at ``middle`` by the median anchor, without a shift."""
    # An anchor's error is linear in a scale alone: error = scale · slope - 1
    slopes = [1 + anchor.error(1 / middle, 0.0) for anchor in anchors]
    return 1 / float(np.median(slopes))


def _jackknife(without: list[Numbers]) -> tuple[Float[NDArray[np.float64], "2 2"], float]:
    """Covariance by leaving out each group once (Efron and Tibshirani 1993, chapter 11)."""
    numbers = np.stack(without)
    off = numbers - numbers.mean(axis=0)
    count = len(without)
    return (count - 1) / count * off.T @ off, float(count - 1)


def _by_residuals(
    anchors: Sequence[Anchor], found: Numbers, middle: float, shifted: bool
) -> tuple[Float[NDArray[np.float64], "2 2"], float]:
    """Of few anchors: by what they are off, or by what was said of them, the larger of both."""
    step = np.array([1e-6 * found[0], 1e-6 / middle * found[0]])
    slopes = np.array(
        [
            [
                one.error(*(found + step * axis)) - one.error(*(found - step * axis))
                for axis in np.eye(2)
            ]
            for one in anchors
        ]
    ) / (2 * step)
    used = slopes if shifted else slopes[:, :1]
    off = np.array([one.error(*found) for one in anchors])
    freedom = len(anchors) - used.shape[1]
    said = [one.deviation for one in anchors if one.deviation is not None]
    noise = [float(off @ off) / freedom] if freedom > 0 else []
    noise += [float(np.mean(np.square(said)))] if len(said) == len(anchors) else []
    covariance = np.full((2, 2), np.inf)
    if noise:
        covariance = np.zeros((2, 2))
        size = used.shape[1]
        covariance[:size, :size] = max(noise) * np.linalg.pinv(used.T @ used)
    known = len(said) == len(anchors)
    return covariance, float("inf") if known else float(max(freedom, 1))
