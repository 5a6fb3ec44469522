"""How known depth lies on the pair: against disparity that was measured from the images."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.matching.features import Matches

Map = Float[NDArray[np.floating], "h w"]
GRID_PX = 320  # widest grid on which shifts are tried
REACH = 0.09  # of the width: the largest shift that is tried
COARSE = 3  # grid pixels between shifts in the first round
CAP = 0.01  # of the width: a difference counts no more than this, so that edges decide


class TruthFit(NamedTuple):
    """Measured disparity against what the depth and the rig say, under four explanations.

    Each ``*_px`` is a median absolute difference in pixels of the image.
    """

    as_stated_px: float
    factor: float  # measured parallax over stated parallax: 1 when units are right
    factor_px: float  # left over once the parallax is scaled by it
    offset_px: float  # measured minus stated disparity: 0 when principal points are right
    after_offset_px: float
    shift_px: tuple[float, float]  # x, y by which the depth must move to sit on the image
    shift_gain: float  # share of the capped difference that the shift removes
    after_shift_px: float


def fit_truth(
    measured_px: Map,
    stated_px: Float[NDArray[np.floating], "H W"],
    principal_offset_px: float,
) -> TruthFit | None:
    """Compare two disparity maps; NaN in either means unknown.

    Args:
        measured_px: By a matcher, maybe on every n-th row and column alone.
        stated_px: By depth and rig, at the images' resolution.
        principal_offset_px: The disparity of infinity.

    Returns:
        None where fewer than one pixel in a hundred, or 500, can be compared.
    """
    rows, columns = measured_px.shape
    stride = stated_px.shape[1] // columns
    stated_px = stated_px[stride // 2 :: stride, stride // 2 :: stride][:rows, :columns]
    both = np.isfinite(measured_px) & np.isfinite(stated_px)
    if both.sum() < max(500, 0.01 * both.size):
        return None
    measured, stated = measured_px[both], stated_px[both]
    parallax = stated - principal_offset_px
    factor = float(np.median((measured - principal_offset_px) / parallax))
    offset = float(np.median(measured - stated))
    (x, y), gain, after = _best_shift(measured_px, stated_px)
    return TruthFit(
        as_stated_px=_middle(measured - stated),
        factor=factor,
        factor_px=_middle(measured - principal_offset_px - factor * parallax),
        offset_px=offset,
        after_offset_px=_middle(measured - stated - offset),
        shift_px=(x * stride, y * stride),
        shift_gain=gain,
        after_shift_px=after,
    )


def agreement(stated_px: Map, matches: Matches) -> float:
    """Correlation of the matches' disparities with the stated ones, -1 .. 1.

    0 where fewer than 20 of them have a stated disparity, or where either does not vary.
    """
    x, y = matches.left_px.round().astype(int).T
    stated = stated_px[y.clip(0, stated_px.shape[0] - 1), x.clip(0, stated_px.shape[1] - 1)]
    known = np.isfinite(stated)
    stated, matched = stated[known], matches.shift_px[known, 0]
    if len(stated) < 20 or stated.std() < 1e-6 or matched.std() < 1e-6:
        return 0.0
    return float(np.corrcoef(stated, matched)[0, 1])


def _middle(difference: NDArray[np.floating]) -> float:
    return float(np.median(np.abs(difference)))


def _best_shift(measured_px: Map, stated_px: Map) -> tuple[tuple[float, float], float, float]:
    """The shift of the truth, in pixels of the image, that lays it best on the measurement."""
    width = measured_px.shape[1]
    stride = -(-width // GRID_PX)
    measured, stated = measured_px[::stride, ::stride], stated_px[::stride, ::stride]
    reach = max(COARSE, round(REACH * measured.shape[1] / COARSE) * COARSE)
    reach = min(reach, (min(measured.shape) - 2) // 3 // COARSE * COARSE)
    cap = max(1.5, CAP * width)

    def difference(x: int, y: int) -> Map:
        rows, columns = measured.shape
        inner = measured[reach : rows - reach, reach : columns - reach]
        moved = stated[reach - y : rows - reach - y, reach - x : columns - reach - x]
        return np.abs(inner - moved)

    def cost(shift: tuple[int, int]) -> float:
        values = difference(*shift)
        values = values[np.isfinite(values)]
        return float(np.minimum(values, cap).mean()) if values.size > 200 else np.inf

    steps = range(-reach, reach + 1, COARSE)
    x, y = min(((x, y) for y in steps for x in steps), key=cost)
    near = [
        (x + i, y + j)
        for i in range(1 - COARSE, COARSE)
        for j in range(1 - COARSE, COARSE)
        if max(abs(x + i), abs(y + j)) <= reach
    ]
    x, y = min(near, key=cost)
    stayed, best = cost((0, 0)), cost((x, y))
    gain = 1 - best / stayed if np.isfinite(stayed) and stayed > 0 else 0.0
    after = difference(x, y)
    return (float(x * stride), float(y * stride)), gain, float(np.nanmedian(after))
