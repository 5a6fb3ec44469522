"""Learning depth from video whose poses and K are known: what learned ones are measured against."""

from typing import ClassVar

from torch import Tensor

from m3depth.geometry.motion import inverse
from m3depth.matching.optical_flow import Flows
from m3depth.systems.video import Looked, VideoDepth
from m3depth.types import PairMotion, StereoBatch


class PosedVideoDepth(VideoDepth):
    """`VideoDepth` with the frames' own poses and K in place of the motion network's; in mm."""

    needs: ClassVar[frozenset[str]] = frozenset({"left", "rig", "camera_to_world"})

    def _motion(self, earlier: Looked, later: Looked, flows: Flows) -> PairMotion:
        here, there = (_pose(one.frame) for one in (earlier, later))
        return PairMotion(inverse(there) @ here)


def _pose(frame: StereoBatch) -> Tensor:
    return frame["camera_to_world"]
