"""What an evaluation found, and the files that record it."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from m3depth import __version__
from m3depth.evaluation.frames import Skipped
from m3depth.evaluation.metrics import DEPTH_METRICS, DISPARITY_METRICS
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.provenance import git_commit
from m3depth.evaluation.scoring import RATIO, VALID, Truth
from m3depth.files import write_text
from m3depth.types import StereoBatch

METRICS = (*(metric.__name__ for metric in DEPTH_METRICS + DISPARITY_METRICS), "ssim")
BASELINES = ("mean_depth", "sgbm", "constant_disparity", "best_shift")


class Row(NamedTuple):
    """The numbers of one frame."""

    position: int  # in the data set
    key: str
    scores: dict[str, float]  # the metrics that the frame supports, `scale_ratio`, `valid_pixels`

    @property
    def badness(self) -> float | None:
        """What frames are ranked by: the depth error in mm, else how unlike the rebuilt view is."""
        if "mae_mm" in self.scores:
            return self.scores["mae_mm"]
        return 1 - self.scores["ssim"] if "ssim" in self.scores else None


class Frame(NamedTuple):
    """One frame with its images and prediction, for the report."""

    row: Row
    batch: StereoBatch  # of one
    fraction: Float[Tensor, "1 1 h w"]  # predicted left disparity, of the width
    depth_mm: Float[Tensor, "1 1 H W"] | None  # predicted, as it was scored; None: no calibration
    truth: Truth | None


@dataclass(frozen=True)
class Evaluation:
    """A test set's numbers, and the few frames that the report shows.

    Attributes:
        protocol: How the frames were scored.
        rows: One per frame that was read.
        baseline_rows: Beside `rows`, the scores of each baseline on that frame.
        skipped: The frames that could not be read.
        chosen: Frames spread evenly over the set.
        worst: The frames with the largest error, the worst first.
    """

    protocol: Protocol
    rows: list[Row]
    baseline_rows: list[dict[str, dict[str, float]]]
    skipped: list[Skipped]
    chosen: list[Frame]
    worst: list[Frame]

    @property
    def frames(self) -> int:
        """How many frames were scored."""
        return len(self.rows)

    @property
    def valid_pixels(self) -> int:
        """How many pixels of known depth counted, over all frames."""
        return int(sum(row.scores.get(VALID, 0) for row in self.rows))

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Each metric's unweighted mean over the frames that support it."""
        return _means(METRICS, [row.scores for row in self.rows])

    @cached_property
    def baselines(self) -> dict[str, dict[str, float]]:
        """The same of each baseline that the data support."""
        scored = {name: [row.get(name, {}) for row in self.baseline_rows] for name in BASELINES}
        means = {name: _means((*METRICS, "density"), rows) for name, rows in scored.items()}
        return {name: mean for name, mean in means.items() if mean}

    @cached_property
    def scale(self) -> dict[str, float]:
        """How much larger the truth is than the prediction, and how much that varies.

        ``median_ratio`` is the median over frames of ``median(true) / median(predicted)`` before
        any scaling, ``std_ratio`` the standard deviation of ``ratio / median_ratio``.
        """
        ratios = np.array([row.scores[RATIO] for row in self.rows if RATIO in row.scores])
        if not ratios.size:
            return {}
        middle = np.median(ratios)
        return {"median_ratio": float(middle), "std_ratio": float(np.std(ratios / middle))}

    def write(
        self,
        directory: Path,
        *,
        data: str,
        protocol: str,
        checkpoint: str,
        config: Mapping[str, Any],
    ) -> None:
        """Write `metrics.json` and `per_frame.csv`.

        Args:
            directory: Made if it is not there.
            data: The data set's name, as the user gave it.
            protocol: The protocol's name, as the user gave it.
            checkpoint: Where the network came from.
            config: The resolved configuration, plain containers; its checksum is recorded.

        Raises:
            UserError: The disk is full or the directory cannot be written to.
        """
        record = {
            "data": data,
            "protocol": protocol,
            "alignment": self.protocol.alignment,
            "frames": self.frames,
            "valid_pixels": self.valid_pixels,
            "metrics": self.metrics,
            "scale": self.scale,
            "baselines": self.baselines,
            "skipped": self.skipped,
            "checkpoint": checkpoint,
            "version": __version__,
            **git_commit(),
            "config_sha256": config_sha256(config),
        }
        text = json.dumps(record, indent=2, allow_nan=False) + "\n"
        write_text(directory / "metrics.json", text)
        write_text(directory / "per_frame.csv", self._csv())

    def _csv(self) -> str:
        scored = [
            name for name in (*METRICS, RATIO, VALID) if any(name in r.scores for r in self.rows)
        ]
        text = io.StringIO()
        table = csv.DictWriter(text, ["frame", *scored], lineterminator="\n")
        table.writeheader()
        table.writerows({"frame": row.key, **row.scores} for row in self.rows)
        return text.getvalue()


def config_sha256(config: Mapping[str, Any]) -> str:
    """The checksum of a configuration, whatever the order of its keys.

    >>> config_sha256({"a": 1, "b": 2}) == config_sha256({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def _means(names: Iterable[str], rows: list[dict[str, float]]) -> dict[str, float]:
    found = {name: [row[name] for row in rows if name in row] for name in names}
    return {name: float(np.mean(values)) for name, values in found.items() if values}
