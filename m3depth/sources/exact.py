"""The data's own depth as a source."""

from collections.abc import Sequence

import torch

from m3depth.geometry.resizing import size_of
from m3depth.sources.source import NoDepthError, Source
from m3depth.types import DepthMap, Kind, StereoBatch


class ExactSource(Source):
    """The depth that the data come with, at its own resolution; its expected error is 0."""

    model = "the data's own depth"
    needs = frozenset({"depth_mm"})

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        """Take it.

        Raises:
            NoDepthError: the data have no depth.
        """
        return [self._taken(sample) for sample in samples]

    def _taken(self, sample: StereoBatch) -> DepthMap:
        if "depth_mm" not in sample:
            raise NoDepthError(
                f"{sample['key']}: the data have no depth of their own: choose source=network or "
                "source=stereo"
            )
        depth_mm = sample["depth_mm"][None]
        rig = sample["rig"].resized(size_of(sample["left"]), size_of(depth_mm))
        known, error = depth_mm > 0, torch.zeros_like(depth_mm)
        return DepthMap(depth_mm, Kind.DEPTH, camera=rig, error=error, known=known)
