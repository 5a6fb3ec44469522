"""A scale and a shift by anchors, robustly, with what is known of both."""

import logging
from typing import NamedTuple

import numpy as np
import torch
from scipy.stats import t as students_t

from m3depth.anchors.anchors import Anchors
from m3depth.anchors.solving import solved
from m3depth.anchors.sureness import any_slope, by_residuals, jackknife
from m3depth.geometry.affine import Affine

ONE_DEPTH = 0.02  # a spread of relative depth, as a share, below which a shift cannot be found
FEWEST_GROUPS = 4  # for a spread over groups to mean something
SURE = 0.95

logger = logging.getLogger(__name__)


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
            cannot tell it (all at one depth, or one alone), a warning says so, and it is 0: then
            the depth is the less sure the farther it is from theirs.

    Raises:
        DataError: they do not agree with any scale above 0, or a scale alone would have to be found
            where the relative depth is 0 or less.
    """
    middle = float(np.median(anchors.r))
    shifted = with_shift and _tells_shift(anchors)
    found = solved(anchors, shifted)
    groups = np.unique(anchors.group)
    held_back = None
    if len(groups) >= FEWEST_GROUPS:
        apart = [anchors.group == group for group in groups]
        without = [solved(anchors.where(~one), shifted) for one in apart]
        covariance, freedom = jackknife(np.stack(without)), len(groups) - 1.0
        off = [anchors.where(one).error(*line) for one, line in zip(apart, without, strict=True)]
        held_back = float(np.abs(np.concatenate(off)).mean())
    else:
        covariance, freedom = by_residuals(anchors, found, shifted)
    if with_shift and not shifted:
        covariance = covariance + any_slope(float(found[0]), middle)
    line = Affine(float(found[0]), float(found[1]), torch.from_numpy(covariance))
    return AnchoredFit(line, freedom, middle, held_back, len(anchors), shifted)


def _tells_shift(anchors: Anchors) -> bool:
    spread = float(np.ptp(anchors.r)) / max(float(np.abs(anchors.r).max()), 1e-300)
    if len(anchors) > 1 and spread > ONE_DEPTH:
        return True
    why = "there is one anchor" if len(anchors) == 1 else "all anchors lie at one depth"
    logger.warning("%s, so a scale and a shift cannot both be found: fitted the scale alone", why)
    return False
