"""A data set whose depth labels are what other sources of depth agree on."""

import copy
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import torch
from torch.utils.data import Dataset

from m3depth.data.own_size import ReadAtSize, at_own_size, frames_of
from m3depth.errors import ConfigError, DataError
from m3depth.geometry.resizing import size_of
from m3depth.sources.agreement import agreed, made_metric
from m3depth.sources.source import Source
from m3depth.types import DepthLabel, DepthMap, Scale, StereoBatch, same_shape
from m3depth.validation import require_number

logger = logging.getLogger(__name__)


class Taught(ReadAtSize):
    """Calibrated frames with a metric ``depth_label`` made by teachers.

    A pixel has a label where every teacher knows its depth and they agree; the label is their mean
    (`agreed`). A relative teacher is fitted to what the metric ones agree on first (`made_metric`).
    The data's own depth is no label then, and no training batch holds it (`fields.collate`).

    Args:
        pairs: The frames.
        teachers: Sources by name; None is none. One of them at least must give metric depth.
        tolerance: Share of the depth by which teachers may differ.

    Raises:
        ConfigError: No teacher, or a tolerance that is none.
    """

    def __init__(
        self,
        pairs: Dataset[StereoBatch],
        teachers: Mapping[str, Source | None],
        tolerance: float = 0.05,
    ) -> None:
        require_number("data.labels.tolerance", tolerance, 0, 1)
        self.pairs, self.tolerance = pairs, tolerance
        self.teachers = {name: one for name, one in teachers.items() if one is not None}
        if not self.teachers:
            raise ConfigError(
                "data.labels.teachers: no teacher is left; choose teacher=matcher, or "
                "teacher=network teacher.checkpoint=PATH"
            )
        self._warned = False

    def __len__(self) -> int:
        return len(self.pairs)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> StereoBatch:
        """One frame.

        Raises:
            DataError: it cannot be read or has no calibration, or a teacher has no depth for it.
            ConfigError: none of the teachers is metric.
        """
        sample = self.pairs[range(len(self))[index]]
        return {**sample, "depth_label": DepthLabel.of(self._depth(sample)).sample()}

    def at_own_size(self) -> Self:
        """The same frames in the same order, not resized."""
        own = copy.copy(self)
        own.pairs = at_own_size(self.pairs)
        return own

    def places(self) -> list[str]:
        """Those of the set."""
        return frames_of(self.pairs)

    def _depth(self, sample: StereoBatch) -> DepthMap:
        """What the teachers agree on, in mm; known nowhere if a relative one fits no other."""
        maps = self._asked(sample)
        relative = [one for one in maps if one.scale is not Scale.METRIC]
        metric = [one for one in maps if one.scale is Scale.METRIC]
        if not metric:
            raise ConfigError(
                f"data.labels.teachers: {', '.join(self.teachers)} cannot teach millimetres, since "
                "the depth is relative: keep the matcher beside it, or another metric teacher"
            )
        found = agreed(metric, self.tolerance)
        try:
            found = agreed(
                [*metric, *(made_metric(one, found) for one in relative)], self.tolerance
            )
            why = f"they agree on no pixel to within {self.tolerance:.0%}"
        except DataError as error:
            found, why = replace(found, known=torch.zeros_like(found.values) > 0), str(error)
        if found.known is not None and not found.known.any():
            self._warn(f"{sample['key']}: no label from the teachers: {why}")
        return found

    def _asked(self, sample: StereoBatch) -> list[DepthMap]:
        """Each teacher's map at the image's size, with the frame's camera."""
        key, size = sample["key"], size_of(sample["left"])
        if "rig" not in sample or not bool(sample["rig"].calibrated):
            raise DataError(
                f"{key}: no calibration, and teachers' labels are in mm: give the data their rig, "
                "or learn without teachers (system=stereo)"
            )
        maps = {name: one([sample])[0].on("cpu") for name, one in self.teachers.items()}
        for name, found in maps.items():
            if not same_shape(found.size, size):
                raise DataError(
                    f"{key}: teacher {name} gives a map of {found.size[1]}x{found.size[0]} for an "
                    f"image of {size[1]}x{size[0]}, another shape: it must see the whole image"
                )
        return [found.resized(size).seen_by(sample["rig"]) for found in maps.values()]

    def _warn(self, message: str) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("%s (only the first such frame is named)", message)
