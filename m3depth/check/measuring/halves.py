"""One picture that holds both views, one above or beside the other."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.matching.features import Features, Matches, match

FEWEST = 12  # matches between the halves
SHARE = 0.06  # of the points of the poorer half
AGREEING = 0.5  # of the matches must lie where the other view's would
ROWS = 0.025  # of the height: how far the halves' rows may be from each other
REACH = 0.4  # of a half's width: the largest disparity


class Halves(NamedTuple):
    """Two views in one picture."""

    how: str  # "stacked" or "side by side", for people
    matches: Matches  # left_px in the first half, right_px in the second
    share: float  # of the poorer half's points


def find_halves(points: Features, size: tuple[int, int]) -> Halves | None:
    """Match the upper half with the lower one, and the left half with the right one.

    The halves of one scene repeat each other point by point; those of a single view do not,
    however alike its textures: each match must lie where a second view would put it.
    """
    height, width = size
    along_x, along_y = points.points_px.T
    upper = along_y < height / 2
    stacked = _halves("stacked", points, upper, (0.0, height / 2), (width, height))
    if stacked is not None:
        return stacked
    first = along_x < width / 2
    return _halves("side by side", points, first, (width / 2, 0.0), (width / 2, height))


def _halves(
    how: str,
    points: Features,
    first: NDArray[np.bool_],
    step_px: tuple[float, float],
    one: tuple[float, float],
) -> Halves | None:
    poorer = int(min(first.sum(), (~first).sum()))
    found = match(points.where(first), points.where(~first))
    away: Float[NDArray[np.floating], "n 2"] = found.shift_px + np.array(step_px)
    if len(away) < FEWEST:
        return None
    roughly = np.abs(away[:, 0]) < REACH * one[0]
    rows = away[:, 1] - np.median(away[roughly, 1]) if roughly.any() else away[:, 1]
    level = abs(float(np.median(away[roughly, 1]))) < 2 * ROWS * one[1] if roughly.any() else False
    agree = roughly & (np.abs(rows) < ROWS * one[1])
    enough = agree.sum() >= max(FEWEST, SHARE * poorer) and agree.mean() >= AGREEING
    if not (level and enough):
        return None
    return Halves(how, found.where(agree), float(agree.sum()) / poorer)
