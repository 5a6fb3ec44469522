"""OpenCV's semi-global matcher (Hirschmüller 2008), in the two settings that are used here."""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from m3depth.imaging.bytes import to_picture
from m3depth.matching.grey import Grey, grey
from m3depth.types import DepthMap, Kind

WIDEST = 0.3  # of the width: the largest disparity that is searched, the network's own bound
BLOCK_PX = 5
STEP = 16  # the number of disparities must be a multiple of it
UNITS = 16  # OpenCV gives sixteenths of a pixel
MOST_COSTS = 128_000_000  # of 2 bytes, kept several times over: more do not fit into memory
FIVE_PATHS, EIGHT_PATHS, THREE_PATHS = 0, 1, 2  # OpenCV's MODE_SGBM, MODE_HH, MODE_SGBM_3WAY

DisparityPx = Float[NDArray[np.float32], "h w"]


class Setting(NamedTuple):
    """What the two uses do not share."""

    paths: int  # along how many directions costs are summed up
    uniqueness_percent: int  # by which the best match must be better than any other
    speckle_px: int  # smaller islands are removed


BASELINE = Setting(EIGHT_PATHS, uniqueness_percent=5, speckle_px=50)
CHECK = Setting(THREE_PATHS, uniqueness_percent=10, speckle_px=100)


def sgbm(
    left: Float[Tensor, "1 3 h w"], right: Float[Tensor, "1 3 h w"], infinity_px: float = 0.0
) -> DepthMap:
    """Match a pair, with OpenCV's left-right check and speckle filter.

    Costs are summed along eight directions, or along five where the pair is too large to keep them
    in memory (`MOST_COSTS`: from about 800x600).

    Args:
        left: The left image, RGB in [0, 1].
        right: The right one.
        infinity_px: The rig's `principal_offset`, where the search begins: it may be negative.
    """
    width, low = left.shape[-1], math.floor(infinity_px)
    search = _whole_steps(WIDEST * width - min(low, 0))
    setting = BASELINE
    if left[0, 0].numel() * (1 + WIDEST) * search > MOST_COSTS:
        setting = BASELINE._replace(paths=FIVE_PATHS)
    views = grey(to_picture(left[0])), grey(to_picture(right[0]))
    disparity_px = _matched(views, low, search, setting)
    column = np.arange(width, dtype=np.float32) - disparity_px  # where the right view shows it
    found = (disparity_px >= infinity_px) & (column >= 0) & (column <= width - 1)
    fraction, known = (torch.from_numpy(a)[None, None] for a in (disparity_px / width, found))
    return DepthMap(fraction, Kind.FRACTION, known=known)


def sgbm_between(left: Grey, right: Grey, low_px: float, high_px: float) -> DisparityPx:
    """Left disparity in pixels between two bounds of either sign; NaN where it is not known."""
    low = math.floor(low_px)
    disparity_px = _matched((left, right), low, _whole_steps(max(high_px - low, 1)), CHECK)
    disparity_px[disparity_px < low] = np.nan
    return disparity_px


def _matched(views: tuple[Grey, Grey], low: int, search: int, setting: Setting) -> DisparityPx:
    """Disparities from ``low`` on, ``search`` of them; below ``low`` where there is no match.

    OpenCV leaves out columns whose whole search range is not in the image: both are widened by it.
    """
    import cv2

    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=search,
        blockSize=BLOCK_PX,
        P1=8 * BLOCK_PX**2,
        P2=32 * BLOCK_PX**2,
        disp12MaxDiff=1,
        preFilterCap=31,
        uniquenessRatio=setting.uniqueness_percent,
        speckleWindowSize=setting.speckle_px,
        speckleRange=2,
        mode=setting.paths,
    )
    before, after = max(0, low + search), max(0, -low)
    wide = [cv2.copyMakeBorder(v, 0, 0, before, after, cv2.BORDER_REPLICATE) for v in views]
    units = matcher.compute(*wide)[:, before : before + views[0].shape[1]]
    return units.astype(np.float32) / np.float32(UNITS)


def _whole_steps(disparities: float) -> int:
    return STEP * math.ceil(disparities / STEP)
