"""A scale and a shift by anchors, robustly, with what is known of both."""

import logging
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import t as students_t

from m3depth.anchors.anchors import Anchors
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
Covariance = Float[NDArray[np.float64], "2 2"]


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

    def record(self) -> dict[str, float | bool | list[float] | None]:
        """For JSON; numbers that are not known are None."""
        low, high = self.interval
        told = {"depth_mm": self.depth_mm, "deviation": self.deviation, "held_back": self.held_back}
        known = {k: v if v is not None and np.isfinite(v) else None for k, v in told.items()}
        return {
            "anchors": self.anchors,
            "scale_per_mm": self.line.scale,
            "shift_per_mm": self.line.shift if self.with_shift else None,
            **known,
            "interval_95_mm": [low, high] if np.isfinite(low + high) else None,
        }

    @property
    def interval(self) -> tuple[float, float]:
        """Within which the depth at the middle lies with 95 %, in mm (Student's t)."""
        wide = float(students_t.ppf((1 + SURE) / 2, self.freedom)) * self.deviation
        return self.depth_mm * (1 - wide), self.depth_mm * (1 + wide)


def fit(anchors: Anchors, with_shift: bool) -> AnchoredFit:
    """Find both, or the scale alone.

    Args:
        anchors: What is known.
        with_shift: Whether the relative depth has a shift that is not known. Where the anchors
            cannot tell it (all at one depth, or one alone), a warning says so, and it is 0.

    Raises:
        DataError: they do not agree with any scale above 0.
    """
    middle = float(np.median(anchors.r))
    shifted = with_shift and _tells_shift(anchors)
    found = _solved(anchors, middle, shifted)
    groups = np.unique(anchors.group)
    held_back = None
    if len(groups) >= FEWEST_GROUPS:
        apart = [anchors.group == group for group in groups]
        without = [_solved(anchors.where(~one), middle, shifted) for one in apart]
        covariance, freedom = _jackknife(np.stack(without)), len(groups) - 1.0
        off = [anchors.where(one).error(*line) for one, line in zip(apart, without, strict=True)]
        held_back = float(np.abs(np.concatenate(off)).mean())
    else:
        covariance, freedom = _by_residuals(anchors, found, middle, shifted)
    line = Affine(float(found[0]), float(found[1]), torch.from_numpy(covariance))
    return AnchoredFit(line, freedom, middle, held_back, len(anchors), shifted)


def _tells_shift(anchors: Anchors) -> bool:
    spread = float(np.ptp(anchors.r)) / max(float(np.abs(anchors.r).max()), 1e-300)
    if len(anchors) > 1 and spread > ONE_DEPTH:
        return True
    why = "there is one anchor" if len(anchors) == 1 else "all anchors lie at one depth"
    logger.warning("%s, so a scale and a shift cannot both be found: fitted the scale alone", why)
    return False


def _solved(anchors: Anchors, middle: float, shifted: bool) -> Numbers:
    """(scale, shift): Huber's estimate, then Cauchy's, which lets go of what is far off."""
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
    return found


def _jackknife(without: Float[NDArray[np.float64], "groups 2"]) -> Covariance:
    """By leaving out each group once (Efron and Tibshirani 1993, chapter 11)."""
    off = without - without.mean(axis=0)
    covariance: Covariance = (1 - 1 / len(without)) * off.T @ off
    return covariance


def _by_residuals(
    anchors: Anchors, found: Numbers, middle: float, shifted: bool
) -> tuple[Covariance, float]:
    """Of few groups: by what they are off, or by what was said of them, the larger of both."""
    steps = np.diag([1e-6, 1e-6 * middle]) * found[0]
    slopes = np.stack([anchors.error(*(found + s)) - anchors.error(*(found - s)) for s in steps], 1)
    slopes = slopes[:, : 1 + shifted] / (2 * steps.diagonal()[: 1 + shifted])
    off, freedom = anchors.error(*found), len(anchors) - slopes.shape[1]
    noise = [float(off @ off) / freedom] if freedom > 0 else []
    said = not np.isnan(anchors.deviation).any()
    noise += [float(np.square(anchors.deviation).mean())] if said else []
    if not noise:
        return np.full((2, 2), np.inf), 1.0
    of_both = max(noise) * np.linalg.pinv(slopes.T @ slopes)
    covariance = np.pad(of_both, (0, 2 - len(of_both)))
    return covariance, np.inf if said else float(freedom)
