"""A stereo matcher as a source: it sees both images."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from m3depth.matching.sgbm import sgbm
from m3depth.sources.source import NoDepthError, Source
from m3depth.types import DepthMap, StereoBatch


class StereoSource(Source):
    """OpenCV's semi-global matcher. Where it answers it is trusted: the expected error is 0."""

    model = "OpenCV SGBM, both images"
    needs = frozenset({"right"})

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        """Match the images; disparity is not known where the matcher has no answer.

        Raises:
            NoDepthError: the data have no right image.
        """
        return [self._matched(sample) for sample in samples]

    def _matched(self, sample: StereoBatch) -> DepthMap:
        if "right" not in sample:
            raise NoDepthError(
                f"{sample['key']}: without a right image there is nothing to match: choose "
                "source=network"
            )
        infinity_px = float(sample["rig"].principal_offset)
        found = sgbm(sample["left"][None], sample["right"][None], infinity_px)
        return replace(found, camera=sample["rig"], error=torch.zeros_like(found.values))
