"""One unit for depth and path: millimetres, or such that the depth is an endoscope's."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

import torch
from torch.utils.data import Dataset

from m3depth.errors import ConfigError, DataError
from m3depth.evaluation.point_sample import evenly
from m3depth.sources.source import Source
from m3depth.sources.together import one_by_one
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

LOOKED_AT = 8  # frames
MEDIAN = 50.0  # of the depth, where its unit is open: that of a laparoscope in mm


class Unit(NamedTuple):
    """What depth and translations are multiplied by."""

    factor: float
    metric: bool  # whether they are millimetres then
    depth: float  # the median over a few frames, afterwards

    @property
    def name(self) -> str:
        """For people and files."""
        return "mm" if self.metric else "up to scale"


@torch.inference_mode()
def find_unit(
    source: Source, frames: Dataset[StereoBatch], places: Sequence[int], motion: Scale
) -> Unit:
    """Look at a few frames' depth.

    Args:
        source: Of the depth.
        frames: The video.
        places: Of the frames that are used.
        motion: What is known of the path's scale.

    Raises:
        ConfigError: depth and path are not of one unit, or depth has no scale and shift.
        DataError: none of the frames has depth.
    """
    some = [frames[places[int(i)]] for i in evenly(len(places), LOOKED_AT)]
    found = one_by_one(source, some)
    maps = [one for one in found if not isinstance(one, DataError)]
    if not maps:
        raise next(one for one in found if isinstance(one, DataError))
    scales = {one.up_to_scale().scale for one in maps}
    _require_one_unit(source, scales.pop(), motion)
    medians = [m for one in maps if (m := _median(one)) is not None]
    if not medians:
        raise DataError(f"{some[0]['key']}: not one pixel of it, or of others, has a depth")
    middle = median(medians)
    if motion is Scale.METRIC:
        return Unit(1.0, True, middle)
    return Unit(MEDIAN / middle, False, MEDIAN)


def in_unit(found: DepthMap, unit: Unit) -> DepthMap:
    """Depth as if in millimetres: as depth where it was measured, else as inverse depth."""
    known = found.up_to_scale()
    kind = Kind.DEPTH if known.kind is Kind.DEPTH else Kind.INVERSE_DEPTH
    depth = known.to(kind)
    factor = unit.factor if kind is Kind.DEPTH else 1 / unit.factor
    error = None if depth.error is None else depth.error * factor
    values = depth.values * factor
    return replace(depth, values=values, error=error, scale=Scale.METRIC, camera=None, right=None)


def _require_one_unit(source: Source, depth: Scale, motion: Scale) -> None:
    if depth is Scale.UP_TO_SCALE_AND_SHIFT:
        raise ConfigError(
            f"source: {source.model} gives depth up to scale and shift, which makes no surface; "
            "take the network of a training on video, or a metric one"
        )
    if depth is motion:
        return
    if depth is Scale.METRIC:
        raise ConfigError(
            f"source: {source.model} gives depth in mm, and the path is known up to scale; give "
            "poses_unit_mm= for poses=FILE (1000 for metres), or the depth of the same checkpoint"
        )
    raise ConfigError(
        f"source: {source.model} gives depth up to scale, and the path is in mm: they have no unit "
        "in common; take both from one checkpoint, or a source of metric depth"
    )


def _median(found: DepthMap) -> float | None:
    depth = found.up_to_scale().to(Kind.DEPTH)
    known = depth.values > 0 if depth.known is None else depth.known & (depth.values > 0)
    return float(depth.values[known].median()) if known.any() else None
