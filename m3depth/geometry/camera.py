"""The camera lives with the types."""

from m3depth.types.camera import ASPECT_TOLERANCE, StereoRig, same_shape

__all__ = ["ASPECT_TOLERANCE", "StereoRig", "same_shape"]
