"""Disparity and depth live with the types."""

from m3depth.types.disparity import NEAREST_PARALLAX_PX, depth_from_disparity, disparity_from_depth

__all__ = ["NEAREST_PARALLAX_PX", "depth_from_disparity", "disparity_from_depth"]
