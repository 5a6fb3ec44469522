"""Disparity at every pixel, to compare ground truth with."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.imaging.figures import Picture
from m3depth.matching.grey import Grey, grey
from m3depth.matching.sgbm import sgbm_between

WIDEST_PX = 800  # wider pairs are matched at a whole fraction of their size
MARGIN_PX = 4  # around the disparities of the points


def dense_disparity(
    left: Picture, right: Picture, points_px: Float[NDArray[np.floating], "n"]
) -> Float[NDArray[np.floating], "h w"]:
    """Left disparity in pixels of the views, of every n-th row and column of a wide pair.

    Args:
        left: The left view.
        right: The right one, its rows level with the left one's.
        points_px: Disparities of points that both show: the search is bounded by them.
    """
    stride = -(-left.shape[1] // WIDEST_PX)
    low, high = np.percentile(points_px, [1, 99]) / stride
    small, other = (_shrunk(grey(view), stride) for view in (left, right))
    return sgbm_between(small, other, low - MARGIN_PX, high + MARGIN_PX) * np.float32(stride)


def _shrunk(view: Grey, stride: int) -> Grey:
    import cv2

    if stride == 1:
        return view
    size = (view.shape[1] // stride, view.shape[0] // stride)
    trimmed = view[: size[1] * stride, : size[0] * stride]
    return np.asarray(cv2.resize(trimmed, size, interpolation=cv2.INTER_AREA), np.uint8)
