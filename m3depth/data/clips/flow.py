"""Optical flow between two small pictures, as far as it can be believed."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from m3depth.data.clips.look import Grey

Flow = npt.NDArray[np.float32]  # (h, w, 2), pixels: x, y


class Moved(NamedTuple):
    """How one picture became the other."""

    share: float  # median length of the flow, in widths of the picture
    lost: float  # share of the pixels that the way there and back does not lead home


def moved(earlier: Grey, later: Grey, seen: npt.NDArray[np.bool_]) -> Moved:
    """The motion of the pixels in ``seen`` between two (h, w) pictures, by OpenCV's DIS flow.

    A pixel is lost where forward and backward flow differ by more than UnFlow allows (Meister et
    al. 2018, equation 2): ``|f + b|² > 0.01 (|f|² + |b|²) + 0.5``.
    """
    import cv2

    there, back = _dis().calc(earlier, later, None), _dis().calc(later, earlier, None)
    y, x = np.mgrid[: earlier.shape[0], : earlier.shape[1]].astype(np.float32)
    x, y = x + there[..., 0], y + there[..., 1]
    inside = (x >= 0) & (y >= 0) & (x <= earlier.shape[1] - 1) & (y <= earlier.shape[0] - 1)
    returned = cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    allowed = 0.01 * ((there**2).sum(-1) + (returned**2).sum(-1)) + 0.5
    lost = ((there + returned) ** 2).sum(-1) > allowed
    known = seen & inside
    if not known.any():
        return Moved(0.0, 1.0)
    length = np.linalg.norm(there, axis=-1)
    return Moved(float(np.median(length[known])) / earlier.shape[1], float(lost[known].mean()))


@cache
def _dis() -> Any:
    import cv2

    flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow.setFinestScale(1)  # half the small pictures' size: more would cost thrice the time
    return flow
