"""How far two systems' depth of the same frames agree, and what makes them comparable."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import spearmanr

from m3depth.errors import DataError
from m3depth.geometry.affine import Affine
from m3depth.geometry.affine_fits import median_scale, scale_and_shift
from m3depth.types import DepthMap, Kind, Scale

Fit = Callable[..., Affine]
ALIGNMENTS: Mapping[str, Fit | None] = {
    "none": None,
    "scale": median_scale,
    "scale_shift": scale_and_shift,
}
RANKED = 10_000  # pixels of a frame are enough for a rank correlation


class Agreement(NamedTuple):
    """Of one frame, over the pixels where both systems give depth."""

    both: float  # share of all pixels
    difference: float  # mean of |1/z - 1/z₀| over the mean of 1/z₀, after alignment
    difference_mm: float | None  # mean of |z - z₀|, after alignment; None: not in mm
    ratio: float | None  # median of z / z₀ before alignment; None: not both in one unit
    rank: float  # Spearman's correlation of the inverse depths


def comparable(found: DepthMap) -> DepthMap:
    """As inverse depth: in 1/mm where it is known in mm, else up to scale, or scale and shift.

    Disparity is that of a rig that nobody gave: relative.
    """
    if found.kind in (Kind.DEPTH, Kind.INVERSE_DEPTH):
        return found.to(Kind.INVERSE_DEPTH)
    return found.relative()


def alignment_for(other: DepthMap, reference: DepthMap) -> str:
    """The least that makes two comparable maps comparable with each other."""
    scales = {other.scale, reference.scale}
    if Scale.UP_TO_SCALE_AND_SHIFT in scales:
        return "scale_shift"
    return "none" if scales == {Scale.METRIC} else "scale"


def agreement(other: DepthMap, reference: DepthMap, how: str) -> tuple[Agreement, DepthMap]:
    """The numbers of one frame, and ``other`` at the reference's resolution and in its unit.

    Args:
        other: Comparable; of the reference's shape.
        reference: Comparable.
        how: One of `ALIGNMENTS`, of which a fit is this frame's own.

    Raises:
        DataError: not one pixel has depth in both, or the fit is not possible.
    """
    other = other if other.size == reference.size else other.resized(reference.size)
    both, find = _both(other, reference), ALIGNMENTS[how]
    if not both.any():
        raise DataError("not one pixel has depth in both")
    brought = other
    if find is not None:
        line = find(other.values, reference.values, both)
        brought = replace(other, values=line(other.values), scale=reference.scale, error=None)
    before, mine, theirs = (_numbers(m.values[both]) for m in (other, brought, reference))
    off, middle = np.abs(mine - theirs).mean(), np.abs(theirs).mean()
    metric = reference.scale is Scale.METRIC
    same_unit = metric and other.scale is Scale.METRIC
    seen = (mine > 0) & (theirs > 0)
    off_mm = float(np.abs(1 / mine[seen] - 1 / theirs[seen]).mean()) if seen.any() else None
    step = -(-len(mine) // RANKED)
    rank = float(spearmanr(before[::step], theirs[::step]).statistic) if len(mine) > 2 else np.nan
    ratio = float(np.median(theirs / before)) if same_unit else None
    share = float(both.double().mean())
    return Agreement(share, float(off / middle), off_mm if metric else None, ratio, rank), brought


def _both(one: DepthMap, other: DepthMap) -> torch.Tensor:
    known = one.values.isfinite() & other.values.isfinite()
    for each in (one, other):
        if each.known is not None:
            known = known & each.known
    return known


def _numbers(values: torch.Tensor) -> Float[NDArray[np.float64], "_"]:
    numbers: NDArray[np.float64] = values.double().cpu().numpy()
    return numbers
