"""Whether confident predictions are right more often, and as often as they say."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m3depth.evaluation.compared import Compared
from m3depth.evaluation.point_sample import evenly
from m3depth.geometry.confidence import WITHIN_MM, confidence

PER_FRAME = 2000  # pixels kept of each frame, evenly spread over those that count
BINS = 10
DROPPED = 0.2

Values = NDArray[np.float64]


@dataclass
class Reliability:
    """Confidences and errors of pixels of known depth, gathered frame by frame."""

    _confidence: list[Values] = field(default_factory=list)
    _error_mm: list[Values] = field(default_factory=list)

    def add(self, compared: Compared) -> None:
        """Take some of a frame's pixels; none where the predictor expects no error."""
        found = compared.disparity
        if found is None or found.error is None or compared.raw_mm is None:
            return
        truth = compared.truth
        sure = confidence(found.values, found.error, truth.rig)[truth.counts]
        error_mm = (compared.raw_mm - truth.depth_mm).abs()[truth.counts]
        some = evenly(len(sure), PER_FRAME)
        self._confidence.append(sure[some].double().numpy())
        self._error_mm.append(error_mm[some].double().numpy())

    def record(self) -> dict[str, Any]:
        """Bins of equally many pixels, least confident first, and what dropping some would do.

        ``mae_mm_without_least_confident`` leaves out a fifth of the pixels; a perfect ranking
        would leave out those with the largest errors. Empty without a pixel.
        """
        if not self._confidence:
            return {}
        sure, error_mm = np.concatenate(self._confidence), np.concatenate(self._error_mm)
        order = np.argsort(sure, kind="stable")
        told, right = sure[order], error_mm[order] <= WITHIN_MM
        bins = [part for part in np.array_split(np.arange(len(sure)), BINS) if len(part)]
        kept = order[round(DROPPED * len(sure)) :]
        best = np.sort(error_mm)[: len(kept)]
        return {
            "within_mm": WITHIN_MM,
            "told": [float(told[part].mean()) for part in bins],
            "right": [float(right[part].mean()) for part in bins],
            "dropped": DROPPED,
            "mae_mm": float(error_mm.mean()),
            "mae_mm_without_least_confident": float(error_mm[kept].mean()),
            "mae_mm_without_largest_errors": float(best.mean()),
        }
