"""What an evaluation found under each protocol."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from m3depth.evaluation.averaging import blocks, intervals, means
from m3depth.evaluation.counted import OF, LeftOut, told
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.readable_frames import Skipped
from m3depth.evaluation.reliability import Reliability
from m3depth.evaluation.row import Row
from m3depth.evaluation.scoring import METRICS, RATIO, VALID
from m3depth.evaluation.truth import Truth
from m3depth.types import DepthMap, StereoBatch

BASELINES = ("mean_depth", "sgbm", "constant_disparity", "frontal", "best_shift", "truth")


class ShownFrame(NamedTuple):
    """One frame with its images and prediction, for the report."""

    row: Row
    batch: StereoBatch  # of one
    prediction: DepthMap
    depth_mm: Float[Tensor, "1 1 H W"] | None  # predicted, as it was scored; None: no calibration
    truth: Truth | None


@dataclass(frozen=True)
class Result:
    """A test set's numbers under one protocol.

    Attributes:
        protocol: How the frames were scored.
        rows: One per frame that was scored.
        left_out: The frames that are in no number, and why.
        reliability: Of the confidences.
    """

    protocol: Protocol
    rows: list[Row]
    left_out: list[LeftOut] = field(default_factory=list)
    reliability: Reliability = field(default_factory=Reliability)

    @property
    def frames(self) -> int:
        """How many frames were scored."""
        return len(self.rows)

    @property
    def frames_of(self) -> int:
        """How many frames there are."""
        return len(self.rows) + len(self.left_out)

    @property
    def frames_left_out(self) -> dict[str, int]:
        """How many frames are in no number for which reason."""
        return dict(Counter(one.why for one in self.left_out))

    @property
    def sparse(self) -> list[str]:
        """The keys of the frames that are left out as too sparse."""
        return [one.key for one in self.left_out if one.why == self.protocol.sparse]

    @cached_property
    def pixels(self) -> dict[str, int]:
        """How many pixels the true depth maps have, and how many do not count for which reason."""
        counts = [row.pixels for row in self.rows] + [one.pixels for one in self.left_out]
        return dict(sum(map(Counter, counts), Counter[str]()))

    @property
    def pixels_left_out(self) -> dict[str, int]:
        """How many pixels do not count for which reason."""
        return {why: count for why, count in self.pixels.items() if why != OF}

    @property
    def counted(self) -> str:
        """How much counted, of how much, and why not the rest, in words."""
        frames = told(self.frames, self.frames_of, "frames", self.frames_left_out)
        if OF not in self.pixels:
            return frames
        left_out = self.pixels_left_out
        return f"{frames}, {told(self.valid_pixels, self.pixels[OF], 'pixels', left_out)}"

    @property
    def valid_pixels(self) -> int:
        """How many pixels of known depth counted, over all frames."""
        return int(sum(row.scores.get(VALID, 0) for row in self.rows))

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Each metric's mean, as the protocol averages, over the frames that support it."""
        return means(self.rows, METRICS, self.protocol.mean)

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % confidence intervals of the metrics, see `averaging.intervals`."""
        return intervals(self.rows, tuple(self.metrics), self.protocol.mean)

    @property
    def blocks(self) -> str:
        """What the intervals' bootstrap drew: ``videos`` or ``frames``."""
        return blocks(self.rows)

    @property
    def videos(self) -> int:
        """How many videos the scored frames are of."""
        return len({row.video for row in self.rows})

    @cached_property
    def parts(self) -> dict[str, dict[str, float]]:
        """The metrics of each part of the set, where the protocol has parts."""
        named: dict[str, list[Row]] = {}
        for row in self.rows:
            named.setdefault(self.protocol.mean.part(row), []).append(row)
        return {n: means(rows, METRICS, self.protocol.mean) for n, rows in named.items() if n}

    @cached_property
    def baselines(self) -> dict[str, dict[str, float]]:
        """The means of each baseline that the data support."""
        found = {}
        for name in BASELINES:
            rows = [r._replace(scores=r.baselines[name]) for r in self.rows if name in r.baselines]
            found[name] = means(rows, METRICS, self.protocol.mean)
        return {name: values for name, values in found.items() if values}

    @cached_property
    def scale(self) -> dict[str, float]:
        """How much larger the truth is than the prediction, see `_scale_ratios`."""
        return _scale_ratios(self.rows)

    def record(self) -> dict[str, Any]:
        """What `metrics.json` has of it."""
        return {
            "alignment": self.protocol.alignment,
            "frames": self.frames,
            "frames_of": self.frames_of,
            "left_out": self.frames_left_out,
            "valid_pixels": self.valid_pixels,
            "pixels_of": self.pixels.get(OF, 0),
            "pixels_left_out": self.pixels_left_out,
            "metrics": self.metrics,
            "scale": self.scale,
            "baselines": self.baselines,
            "intervals": self.intervals,
            "blocks": self.blocks,
            "sparse": self.sparse,
            **({"parts": self.parts} if self.parts else {}),
            **({"reliability": told} if (told := self.reliability.record()) else {}),
        }


@dataclass(frozen=True)
class Evaluation:
    """A test set's numbers, and the few frames that the report shows.

    Attributes:
        results: One for each protocol, the headline's first.
        skipped: The frames that could not be read, or that have no prediction.
        chosen: Frames spread evenly over the set.
        worst: The frames with the largest error, the worst first.
        warnings: What makes the numbers doubtful, a line each.
    """

    results: list[Result]
    skipped: list[Skipped]
    chosen: list[ShownFrame]
    worst: list[ShownFrame]
    warnings: list[str] = field(default_factory=list)

    @property
    def first(self) -> Result:
        """Under the first protocol: the headline, and what the pictures show."""
        return self.results[0]


def _scale_ratios(rows: Sequence[Row]) -> dict[str, float]:
    """How much larger the truth is than the prediction, and how much that varies.

    ``median_ratio`` is the median over frames of ``median(true) / median(predicted)`` before any
    alignment, ``std_ratio`` the standard deviation of ``ratio / median_ratio``.
    ``video_std_ratio`` is the mean over videos of more than one frame of the same standard
    deviation within the video, about the video's own median: how consistent a scale is. Empty
    without a ratio.
    """
    videos: dict[str, list[float]] = {}
    for row in (row for row in rows if RATIO in row.scores):
        videos.setdefault(row.video, []).append(row.scores[RATIO])
    if not videos:
        return {}
    ratios = [row.scores[RATIO] for row in rows if RATIO in row.scores]
    found = {"median_ratio": float(np.median(ratios)), "std_ratio": _spread(ratios)}
    spreads = [_spread(within) for within in videos.values() if len(within) > 1]
    return found | ({"video_std_ratio": float(np.mean(spreads))} if spreads else {})


def _spread(ratios: Sequence[float]) -> float:
    return float(np.std(np.array(ratios) / np.median(ratios)))
