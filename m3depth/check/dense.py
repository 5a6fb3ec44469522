"""Dense disparity by OpenCV's matcher, to lay ground truth against."""

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

Grey = UInt8[NDArray[np.uint8], "h w"]
Disparity = Float[NDArray[np.float32], "h w"]
BLOCK_PX = 5
STEP = 16  # OpenCV wants its number of disparities in such steps
UNITS = 16  # and gives sixteenths of a pixel


def dense_disparity(left: Grey, right: Grey, low_px: float, high_px: float) -> Disparity:
    """Left disparity in pixels between two bounds of either sign; NaN where it is not known."""
    import cv2

    low = int(np.floor(low_px))
    count = STEP * int(np.ceil(max(high_px - low, 1) / STEP))
    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=count,
        blockSize=BLOCK_PX,
        P1=8 * BLOCK_PX**2,
        P2=32 * BLOCK_PX**2,
        disp12MaxDiff=1,
        preFilterCap=31,
        uniquenessRatio=10,
        speckleWindowSize=100,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    # OpenCV leaves out the columns whose whole search range is not in the picture
    before, after = max(0, low + count), max(0, -low)
    wide = [
        cv2.copyMakeBorder(view, 0, 0, before, after, cv2.BORDER_REPLICATE)
        for view in (left, right)
    ]
    fixed = matcher.compute(*wide)[:, before : before + left.shape[1]]
    known = fixed >= low * UNITS
    disparity: Disparity = np.where(known, fixed / UNITS, np.nan).astype(np.float32)
    return disparity
