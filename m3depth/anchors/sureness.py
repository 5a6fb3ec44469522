"""How sure the scale and the shift of anchors are: the covariance of both, and its freedom."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.anchors.anchors import Anchors
from m3depth.anchors.solving import Numbers

Covariance = Float[NDArray[np.float64], "2 2"]


def any_slope(scale: float, middle: float) -> Covariance:
    """Of a line through the middle whose slope nobody knows: as unsure as it is large."""
    off = scale * np.array([1.0, -middle])
    covariance: Covariance = np.outer(off, off)
    return covariance


def jackknife(without: Float[NDArray[np.float64], "groups 2"]) -> Covariance:
    """By leaving out each group once (Efron and Tibshirani 1993, chapter 11)."""
    off = without - without.mean(axis=0)
    covariance: Covariance = (1 - 1 / len(without)) * off.T @ off
    return covariance


def by_residuals(anchors: Anchors, found: Numbers, shifted: bool) -> tuple[Covariance, float]:
    """Of few groups: by what they are off, or by what was said of them, the larger of both."""
    steps = np.diag([1e-6, 1e-6 * float(np.abs(anchors.r).max())]) * found[0]
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
