"""The numbers of one frame, and how much the scale varies over frames."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from m3depth.evaluation.averaging import ScoredFrame
from m3depth.evaluation.counted import PixelCounts
from m3depth.evaluation.scoring import RATIO


class Row(NamedTuple):
    """The numbers of one frame."""

    position: int  # in the data set
    key: str
    scores: dict[str, float]  # the metrics that the frame supports, `scale_ratio`, `valid_pixels`
    baselines: dict[str, dict[str, float]]  # the same for each baseline
    pixels: PixelCounts = {}  # noqa: RUF012  # never written to; of the truth, see `counted.pixels`

    @property
    def badness(self) -> float | None:
        """What frames are ranked by: the depth error in mm, else how unlike the rebuilt view is."""
        if "mae_mm" in self.scores:
            return self.scores["mae_mm"]
        return 1 - self.scores["ssim"] if "ssim" in self.scores else None

    def scored(self, scores: dict[str, float]) -> ScoredFrame:
        """Its own scores, or a baseline's, in the form that `means` takes."""
        return ScoredFrame(self.key, scores)


def scale_ratios(rows: Sequence[Row]) -> dict[str, float]:
    """How much larger the truth is than the prediction, and how much that varies.

    ``median_ratio`` is the median over frames of ``median(true) / median(predicted)`` before any
    alignment, ``std_ratio`` the standard deviation of ``ratio / median_ratio``.
    ``video_std_ratio`` is the mean over videos of more than one frame of the same standard
    deviation within the video, about the video's own median: how consistent a scale is. Empty
    without a ratio.
    """
    rows = [row for row in rows if RATIO in row.scores]
    if not rows:
        return {}
    middle, spread = _middle_and_spread(row.scores[RATIO] for row in rows)
    found = {"median_ratio": middle, "std_ratio": spread}
    videos = Counter(row.scored({}).video for row in rows)
    spreads = [
        _middle_and_spread(r.scores[RATIO] for r in rows if r.scored({}).video == video)[1]
        for video, count in videos.items()
        if count > 1
    ]
    return found | ({"video_std_ratio": float(np.mean(spreads))} if spreads else {})


def _middle_and_spread(ratios: Iterable[float]) -> tuple[float, float]:
    values = np.array(list(ratios))
    middle = np.median(values)
    return float(middle), float(np.std(values / middle))
