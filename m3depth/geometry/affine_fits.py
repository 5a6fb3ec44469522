"""Ways to find the scale and the shift of relative inverse depth, for a frame or a whole video.

Each takes pairs of relative and true inverse depth in any shape, with a mask, and gives an
`Affine` with its covariance. Pairs that are not finite are left out. The covariance takes it that
each pair errs on its own: where neighbours err together, as pixels do, give it few and far apart.
All is float64 and centred first: the sums of squares of 1000 ± 0.005 have no digit left for a fit.
For a whole video give the pairs of all frames, or add up `Moments` frame by frame.

A fit must not turn near and far around: a scale that is not above 0 is refused.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.affine import Affine, Numbers, upright, without_shift
from m3depth.geometry.moments import Mask, Moments, pairs_of

NORMAL = 1.4826  # a normal distribution's standard deviation over its median absolute deviation
KNEE = 1.345  # standard deviations: 95 % of least squares' efficiency on normal residuals
KEPT = 0.8  # share of the pairs that are trusted at first
WITHIN = 2.5  # standard deviations: pairs that are trusted at last
TRUNCATED = 0.911  # variance of a normal distribution cut there
ROUNDS = 100
CONVERGED = 1e-12  # relative change of the line

NO_SCALE = "a scale cannot be found: no known pixel has a relative depth other than 0"

Column = Float[Tensor, " n"]


def scale_alone(x: Numbers, y: Numbers, mask: Mask | None = None) -> Affine:
    """Least squares without a shift, ``argmin Σ (s x - y)²``.

    Raises:
        DataError: no pair, or a scale that is not above 0.
    """
    moments = Moments.of(x, y, mask)
    if not moments.count or not (moments.xx or moments.mean_x):
        raise DataError(NO_SCALE)
    return upright(moments.through_zero())


def median_scale(x: Numbers, y: Numbers, mask: Mask | None = None) -> Affine:
    """Without a shift: the median of ``y / x``, where x is above 0.

    Its variance is that of the median of normal ratios.

    Raises:
        DataError: no pair, or a scale that is not above 0.
    """
    x, y = pairs_of(x, y, (x > 0) if mask is None else mask & (x > 0))
    if not len(x):
        raise DataError(NO_SCALE)
    ratio = y / x
    scale = _median(ratio)
    noise = _spread(ratio - scale) ** 2 if len(x) > 1 else math.inf
    return upright(without_shift(scale, math.pi / 2 * noise / len(x)))


def scale_and_shift(x: Numbers, y: Numbers, mask: Mask | None = None) -> Affine:
    """Least squares, ``argmin Σ (s x + t - y)²`` (Ranftl et al. 2020, section 5).

    Raises:
        DataError: less than two pairs, x the same in all, or a scale that is not above 0.
    """
    moments = Moments.of(x, y, mask)
    _require_relief(moments)
    return upright(moments.line())


def huber(x: Numbers, y: Numbers, mask: Mask | None = None) -> Affine:
    """Huber's estimate: residuals beyond `KNEE` standard deviations pull no more than those at it.

    By iteratively reweighted least squares; the covariance is that of Huber 1981, section 7.6.

    Raises:
        DataError: as `scale_and_shift`.
    """
    x, y = pairs_of(x, y, mask)
    moments = Moments.of(x, y)
    _require_relief(moments)
    line = _start(x, y)
    for _ in range(ROUNDS):
        size = (y - line(x)).abs()
        knee = KNEE * _spread(size)
        weight = torch.where(size <= knee, 1.0, knee / size.clamp_min(1e-300))
        before, line = line, Moments.weighted(x, y, weight).line()
        if _close(before, line, x):
            break
    pull = float(size.clamp_max(knee).square().sum()) / (len(x) - 2) if len(x) > 2 else math.inf
    inside = float((size <= knee).double().mean())
    return upright(line._replace(covariance=moments.covariance(pull / max(inside, 1e-300) ** 2)))


def trimmed(x: Numbers, y: Numbers, mask: Mask | None = None, kept: float = KEPT) -> Affine:
    """Least trimmed squares: up to ``1 - kept`` of the pairs may be anything at all.

    Fits to the ``kept`` share with the smallest residuals until they stay the same (Rousseeuw and
    Van Driessen 2006), then once to all pairs within `WITHIN` standard deviations.

    Raises:
        DataError: as `scale_and_shift`.
    """
    x, y = pairs_of(x, y, mask)
    _require_relief(Moments.of(x, y))
    line, count = _start(x, y), max(2, math.ceil(kept * len(x)))
    for _ in range(ROUNDS):
        trusted = (y - line(x)).abs().argsort()[:count]
        before, line = line, Moments.of(x[trusted], y[trusted]).line()
        if _close(before, line, x):
            break
    size = (y - line(x)).abs()
    near = size <= max(WITHIN * _spread(size), float(size.sort().values[1]))
    moments = Moments.of(x[near], y[near])
    _require_relief(moments)
    fit = moments.line()
    return upright(fit._replace(covariance=fit.covariance / TRUNCATED))


def _require_relief(moments: Moments) -> None:
    """Stop where a scale and a shift cannot both be found.

    Raises:
        DataError: less than two pairs, or x the same in all.
    """
    if moments.count < 2:
        raise DataError(f"a scale and a shift need two known pixels, not {moments.count:g}")
    if moments.flat:
        raise DataError(
            "all known pixels have the same relative depth, so a scale and a shift cannot both be "
            "found: give some at another depth, or fit a scale alone"
        )


def _start(x: Column, y: Column) -> Affine:
    """By medians, and rising: the scale must be above 0."""
    wide = _spread(x - _median(x))
    if wide == 0:  # most of x is the same
        return Moments.of(x, y).line()
    scale = _spread(y - _median(y)) / wide
    return Affine(scale, _median(y) - scale * _median(x), torch.zeros(2, 2, dtype=torch.float64))


def _close(one: Affine, other: Affine, x: Column) -> bool:
    ends = torch.stack([x.min(), x.max()])
    gap = (one(ends) - other(ends)).abs().max()
    return bool(gap <= CONVERGED * (other.scale * (ends[1] - ends[0])).abs())


def _spread(residual: Column) -> float:
    return NORMAL * _median(residual.abs())


def _median(values: Column) -> float:
    return float(values.quantile(0.5)) if len(values) < 2**24 else float(values.median())
