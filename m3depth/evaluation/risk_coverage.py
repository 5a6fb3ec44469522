"""How much smaller the error is of those that are more confident."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

DROPPED = 0.2
POINTS = 50  # of a drawn curve

Values = Float[NDArray[np.floating], " n"]


@dataclass(frozen=True)
class RiskCoverage:
    """The mean error of the most confident share, for every share (El-Yaniv and Wiener 2010).

    Only the order of the confidences matters. Equal ones count as if in every order, so that a
    confidence that is the same everywhere is a random one.

    Attributes:
        confidence: Of pixels, or of frames; higher is surer. At least one.
        error_mm: What the depth is off by.
    """

    confidence: Values
    error_mm: Values

    @property
    def risk_mm(self) -> Values:
        """The mean error of the first 1, 2, ... n when the most confident come first."""
        _, group, count = np.unique(-self.confidence, return_inverse=True, return_counts=True)
        mean_mm = np.bincount(group, self.error_mm) / count
        return _running_mean(np.repeat(mean_mm, count))

    @property
    def perfect_mm(self) -> Values:
        """The same when those with the smallest errors come first."""
        return _running_mean(np.sort(self.error_mm))

    def record(self) -> dict[str, Any]:
        """What `metrics.json` has of it.

        ``area_mm`` is the mean of the risk over all shares, the area under its curve. ``share`` is
        how far it goes from the area of a random ranking (0) to that of a perfect one (1); it is
        absent where these are the same. ``mae_mm_without_least_confident`` leaves out a fifth; a
        perfect ranking would leave out those with the largest errors.
        """
        risk_mm, perfect_mm, random_mm = self.risk_mm, self.perfect_mm, float(self.error_mm.mean())
        area_mm, least_mm = float(risk_mm.mean()), float(perfect_mm.mean())
        kept = self._kept
        found = {
            "count": len(risk_mm),
            "area_mm": area_mm,
            "area_perfect_mm": least_mm,
            "area_random_mm": random_mm,
            "dropped": DROPPED,
            "mae_mm": random_mm,
            "mae_mm_without_least_confident": float(risk_mm[kept - 1]),
            "mae_mm_without_largest_errors": float(perfect_mm[kept - 1]),
        }
        apart = random_mm - least_mm > 1e-12 * random_mm
        return found | ({"share": (random_mm - area_mm) / (random_mm - least_mm)} if apart else {})

    def curves(self) -> dict[str, list[float]]:
        """Some points: ``coverage``, and by it ``risk_mm`` and ``perfect_mm``."""
        count = len(self.error_mm)
        first = np.unique(np.linspace(1, count, min(POINTS, count)).round().astype(int))
        risk_mm, perfect_mm = self.risk_mm[first - 1], self.perfect_mm[first - 1]
        found = {"coverage": first / count, "risk_mm": risk_mm, "perfect_mm": perfect_mm}
        return {name: values.tolist() for name, values in found.items()}

    @property
    def _kept(self) -> int:
        count = len(self.error_mm)
        return max(1, count - round(DROPPED * count))


def _running_mean(values: Values) -> Values:
    found: Values = np.cumsum(values) / np.arange(1, len(values) + 1)
    return found
