"""Whether confident predictions are right more often, and as often as they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.evaluation.compared import Compared
from m3depth.evaluation.point_sample import evenly
from m3depth.evaluation.risk_coverage import RiskCoverage
from m3depth.geometry.confidence import WITHIN_MM, confidence_of

PER_FRAME = 2000  # pixels kept of each frame, evenly spread over those that count
BINS = 10

Values = Float[NDArray[np.float64], " n"]


@dataclass
class Reliability:
    """Confidences and errors of pixels of known depth, and of frames, gathered frame by frame.

    A frame's confidence is the mean of its pixels', and its error is their mean error.
    """

    _confidence: list[Values] = field(default_factory=list)
    _error_mm: list[Values] = field(default_factory=list)
    _frames: list[tuple[float, float]] = field(default_factory=list)  # confidence, error in mm

    def add(self, compared: Compared) -> None:
        """Take some of a frame's pixels; none where the predictor expects no error."""
        seen, scored = compared.seen, compared.answered
        confidence = None if seen is None else confidence_of(seen)
        if confidence is None or compared.raw_mm is None:
            return
        sure = confidence[scored].double().numpy()
        error_mm = (compared.raw_mm - compared.truth.depth_mm).abs()[scored].double().numpy()
        self._frames.append((float(sure.mean()), float(error_mm.mean())))
        some = evenly(len(sure), PER_FRAME).numpy()
        self._confidence.append(sure[some])
        self._error_mm.append(error_mm[some])

    @property
    def ranked(self) -> Mapping[str, RiskCoverage]:
        """``pixels`` and ``frames``; empty without any."""
        if not self._frames:
            return {}
        pixels = RiskCoverage(np.concatenate(self._confidence), np.concatenate(self._error_mm))
        return {"pixels": pixels, "frames": RiskCoverage(*np.array(self._frames).T)}

    def record(self) -> dict[str, Any]:
        """Bins of equally many pixels, least confident first, and what leaving some out would do.

        Empty without a pixel.
        """
        ranked = self.ranked
        if not ranked:
            return {}
        return {**_bins(ranked["pixels"]), **{name: one.record() for name, one in ranked.items()}}


def _bins(pixels: RiskCoverage) -> dict[str, Any]:
    order = np.argsort(pixels.confidence, kind="stable")
    told, right = pixels.confidence[order], pixels.error_mm[order] <= WITHIN_MM
    bins = [part for part in np.array_split(np.arange(len(order)), BINS) if len(part)]
    return {
        "within_mm": WITHIN_MM,
        "told": [float(told[part].mean()) for part in bins],
        "right": [float(right[part].mean()) for part in bins],
    }
