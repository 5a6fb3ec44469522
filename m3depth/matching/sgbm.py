"""OpenCV's semi-global matcher."""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from m3depth.types import DepthMap, Kind

WIDEST = 0.3  # of the width: the largest disparity that is searched, the network's own bound
SGBM_STEP = 16  # OpenCV wants its number of disparities in such steps
SGBM_SCALE = 16  # and gives sixteenths of a pixel
SGBM_COSTS = 128_000_000  # so many, of 2 bytes and several times over, may all be held at once


def sgbm(
    left: Float[Tensor, "1 3 h w"], right: Float[Tensor, "1 3 h w"], infinity_px: float = 0.0
) -> DepthMap:
    """Semi-global matching of the pair, with its left-right check and speckle filter.

    Along eight directions, which holds all costs in memory; along five where the pair is too large
    for that (`SGBM_COSTS`: from about 800x600).

    Both images are widened by the search range, since OpenCV answers nothing within that range of
    the edge; a match that would lie in the widening is not taken.

    Args:
        left: The left image.
        right: The right one.
        infinity_px: The rig's `principal_offset`, where the search begins: it may be negative.
    """
    import cv2

    width = left.shape[-1]
    low = int(np.floor(infinity_px))
    search = int(np.ceil((WIDEST * width - min(low, 0)) / SGBM_STEP)) * SGBM_STEP
    before, after = max(0, low + search), max(0, -low)
    grey = [cv2.cvtColor(_bytes(image), cv2.COLOR_RGB2GRAY) for image in (left, right)]
    wide = [cv2.copyMakeBorder(g, 0, 0, before, after, cv2.BORDER_REPLICATE) for g in grey]
    block = 5
    few = grey[0].size * (1 + WIDEST) * search <= SGBM_COSTS
    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=search,
        blockSize=block,
        P1=8 * block**2,
        P2=32 * block**2,
        disp12MaxDiff=1,
        preFilterCap=31,
        uniquenessRatio=5,
        speckleWindowSize=50,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_HH if few else cv2.STEREO_SGBM_MODE_SGBM,
    )
    found = matcher.compute(*wide)[:, before : before + width]
    disparity = found.astype(np.float32) / SGBM_SCALE
    there = np.arange(width, dtype=np.float32) - disparity
    given = (disparity >= infinity_px) & (there >= 0) & (there <= width - 1)
    fraction, known = (torch.from_numpy(a)[None, None] for a in (disparity / width, given))
    return DepthMap(fraction, Kind.FRACTION, known=known)


def _bytes(image: Float[Tensor, "1 3 h w"]) -> NDArray[np.uint8]:
    pixels = (image[0].permute(1, 2, 0) * 255).round().clamp(0, 255)
    return pixels.to(torch.uint8).cpu().numpy()
