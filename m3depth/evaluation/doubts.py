"""What makes an evaluation's numbers doubtful, in one line each."""

from collections.abc import Sequence

import numpy as np

from m3depth.evaluation.result import Result
from m3depth.evaluation.row import Row
from m3depth.evaluation.scoring import RATIO, VALID

UNITS = (1000.0, 256.0, 100.0, 10.0)  # metres, KITTI's files, a hundredth, centimetres; or inverse
NEAR = 1.25  # a ratio within this factor of a unit is taken for it
APART = 5.0  # from this factor on a frame's scale is not the rest's


def doubts(results: Sequence[Result]) -> list[str]:
    """Warnings about any predictor's numbers: what they say less of than they seem to."""
    found = [_no_truth(results[0].rows), *map(_not_fitted, results), _two_scales(results[0].rows)]
    return [one for one in found if one]


def _no_truth(rows: Sequence[Row]) -> str:
    """Of a set that has true depth, but nowhere a pixel of it."""
    if any(VALID in row.scores for row in rows) or not any(row.pixels for row in rows):
        return ""
    return (
        f"not one pixel of the true depth of {len(rows)} frames is known: depth is not scored; "
        "look at the files that it is read from, and at their mask"
    )


def _not_fitted(result: Result) -> str:
    """Of predictions that are flat or upside down."""
    off = [row.key for row in result.rows if not row.fitted]
    if not off:
        return ""
    return (
        f"protocol {result.protocol.name}: in {len(off)} of {len(result.rows)} frames no scale "
        f"above 0 fits the prediction to the truth, {off[0]} the first: it is flat or upside down "
        "(far where it should be near), and its scores are of what is left, a scale or a plane"
    )


def _two_scales(every: Sequence[Row]) -> str:
    """Of frames whose scale differs from the rest's."""
    rows = [row for row in every if RATIO in row.scores]
    if len(rows) < 2:
        return ""
    ratios = np.array([row.scores[RATIO] for row in rows])
    off = ratios / np.median(ratios)
    other = (off > APART) | (off < 1 / APART)
    if not other.any():
        return ""
    first = rows[int(other.argmax())]
    return (
        f"{int(other.sum())} of {len(rows)} frames have another scale than the rest, {first.key} "
        f"by a factor of {float(off[other.argmax()]):.3g}: are depth maps of two units mixed?"
    )


def unit_doubt(results: Sequence[Result], setting: float, inverse: bool) -> str:
    """A warning that predictions seem to be in another unit; "" without one.

    Protocols that align a prediction first cannot see it.

    Args:
        results: Under each protocol.
        setting: The ``scale`` that they were read with.
        inverse: Whether larger numbers are nearer.
    """
    minds = next((r for r in results if r.protocol.metric and r.scale), None)
    if minds is None:
        return ""
    ratio = minds.scale["median_ratio"]
    for factor in (*UNITS, *(1 / unit for unit in UNITS)):
        if 1 / NEAR < ratio / factor < NEAR:
            better = setting * (1 / factor if inverse else factor)
            return (
                f"the true depth is {ratio:.4g} times the predicted one: another unit? "
                f"scale={better:.6g} would make it {ratio / factor:.3g} times"
            )
    return ""
