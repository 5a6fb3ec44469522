"""What travels through the program: the batch, the camera, the depth map."""

from m3depth.types.batch import Disparity, Pair, StereoBatch
from m3depth.types.camera import StereoRig, same_shape
from m3depth.types.depth_map import DepthMap, Kind, Scale
from m3depth.types.label import DepthLabel
from m3depth.types.motion import PairMotion, Track

__all__ = [
    "DepthLabel",
    "DepthMap",
    "Disparity",
    "Kind",
    "Pair",
    "PairMotion",
    "Scale",
    "StereoBatch",
    "StereoRig",
    "Track",
    "same_shape",
]
