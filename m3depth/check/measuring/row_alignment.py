"""How the rows of one view lie against those of the other: a robust fit of vertical disparity."""

import math
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from m3depth.matching.features import Matches

Values = Float[NDArray[np.floating], "n"]
Columns = Float[NDArray[np.floating], "n k"]
FEWEST = 12  # matches for a fit
ROUNDS = 30
TUKEY = 4.685  # residuals beyond so many standard deviations count nothing
SHARPEST_PX = 0.1  # no point is found more exactly
LEVEL_PX, LEVEL_DEG = 1.25, 0.5
ROUGH_OF_HEIGHT = 0.03  # matches farther from the median row are no candidates at all


class Estimate(NamedTuple):
    """A number and its standard error."""

    value: float
    error: float

    @classmethod
    def of_median(cls, values: Values, error: float = 0.0) -> Self:
        """The median, from the values' spread and the typical ``error`` of one of them."""
        middle = float(np.median(values))
        spread = 1.4826 * float(np.median(np.abs(values - middle)))
        return cls(middle, 1.25 * math.hypot(spread, error) / len(values) ** 0.5)

    @property
    def sure(self) -> float:
        """How large it is at least, three standard errors off."""
        return max(0.0, abs(self.value) - 3 * self.error)


class LinearFit(NamedTuple):
    """A linear model of the vertical disparity."""

    chosen: Float[NDArray[np.floating], "k"]
    covariance: Float[NDArray[np.floating], "k k"]
    inliers: Bool[NDArray[np.bool_], "n"]

    def estimate(self, place: int, unit: float) -> Estimate:
        """One coefficient, in another unit."""
        error = math.sqrt(max(0.0, float(self.covariance[place, place])))
        return Estimate(float(self.chosen[place]) * unit, error * unit)


class RowAlignment(NamedTuple):
    """Vertical disparity over the image: ``offset + rotation·x + stretch·y`` and what bends."""

    offset_px: Estimate  # in the middle of the image
    rotation_deg: Estimate  # of one view against the other
    stretch_px: Estimate  # at the image's upper and lower edge: one view is larger
    bend_px: Estimate  # root mean square over the image of the quadratic part
    inliers: Bool[NDArray[np.bool_], "n"]  # of the matches

    @property
    def level(self) -> bool:
        """Whether a search along rows finds what belongs together."""
        return abs(self.offset_px.value) < LEVEL_PX and abs(self.rotation_deg.value) < LEVEL_DEG


def align(matches: Matches, height: int, width: int) -> RowAlignment | None:
    """LinearFit the vertical disparity; None where too few matches agree."""
    down_px = matches.shift_px[:, 1]
    if len(down_px) < FEWEST:
        return None
    middle, half = np.array([(width - 1) / 2, (height - 1) / 2]), width / 2
    x, y = ((matches.left_px - middle) / half).T
    plane = np.stack([np.ones_like(x), x, y], axis=1)
    bowl = np.concatenate([plane, np.stack([x * x, x * y, y * y], axis=1)], axis=1)
    start = _near_median(down_px, height)
    if start.sum() < FEWEST:
        return None
    flat = _fit(plane, down_px, start)
    bent = _fit(bowl, down_px, flat.inliers)
    edge = height / width  # y at the lower edge, in half widths
    enough = bent.inliers.sum() >= 2 * FEWEST
    return RowAlignment(
        flat.estimate(0, 1.0),
        flat.estimate(1, math.degrees(1 / half)),
        flat.estimate(2, edge),
        _bend(bent, edge) if enough else Estimate(0.0, math.inf),
        flat.inliers,
    )


def _near_median(values: Values, height: int) -> Bool[NDArray[np.bool_], "n"]:
    middle = np.median(values)
    spread = 1.4826 * np.median(np.abs(values - middle))
    return np.asarray(np.abs(values - middle) < max(4 * spread, ROUGH_OF_HEIGHT * height))


def _fit(columns: Columns, values: Values, start: Bool[NDArray[np.bool_], "n"]) -> LinearFit:
    """Least squares with Tukey's biweight."""
    weight = start.astype(float)
    for _ in range(ROUNDS):
        root = np.sqrt(weight)[:, None]
        chosen, *_ = np.linalg.lstsq(columns * root, values * root[:, 0], rcond=None)
        residual = np.abs(values - columns @ chosen)
        scale = max(SHARPEST_PX, 1.4826 * float(np.median(residual[weight > 0])))
        weight = np.clip(1 - (residual / (TUKEY * scale)) ** 2, 0, None) ** 2
    inverse = np.linalg.pinv((columns * weight[:, None]).T @ columns)
    return LinearFit(chosen, inverse * scale**2, weight > 0)


def _bend(fit: LinearFit, edge: float) -> Estimate:
    """Root mean square over the image of the quadratic part, without its mean and slopes."""
    x, y = np.meshgrid(np.linspace(-1, 1, 15), np.linspace(-edge, edge, 15))
    shape = np.stack([x * x, x * y, y * y], axis=-1).reshape(-1, 3)
    shape -= shape.mean(0)
    gram = shape.T @ shape / len(shape)
    quadratic, covariance = fit.chosen[3:], fit.covariance[3:, 3:]
    error = math.sqrt(max(0.0, float(np.trace(gram @ covariance))))
    return Estimate(math.sqrt(float(quadratic @ gram @ quadratic)), error)
