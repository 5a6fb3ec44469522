"""The grey that matchers compare."""

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from m3depth.imaging.figures import Picture

Grey = UInt8[NDArray[np.uint8], "h w"]


def grey(picture: Picture) -> Grey:
    """RGB as grey, weighted as OpenCV does (ITU-R BT.601)."""
    import cv2

    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
