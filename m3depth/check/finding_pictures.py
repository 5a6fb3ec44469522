"""The pictures that go with findings."""

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from m3depth.imaging.figures import Picture

Points = Float[NDArray[np.floating], "n 2"]

LINES = 14  # matches drawn: few enough to follow each with the eye
GAP_PX = 6
AMBER, CYAN = (255, 176, 0), (0, 220, 255)


def side_by_side(
    left: UInt8[NDArray[np.uint8], "h left 3"], right: UInt8[NDArray[np.uint8], "h right 3"]
) -> UInt8[NDArray[np.uint8], "h both 3"]:
    """Two pictures of one height, a white gap between them."""
    gap = np.full((left.shape[0], GAP_PX, 3), 255, np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def matched(
    left: Picture, right: Picture, left_px: Points, right_px: Points
) -> UInt8[NDArray[np.uint8], "h both 3"]:
    """Both views with some matches joined: level lines where the rows correspond."""
    import cv2

    picture = np.ascontiguousarray(side_by_side(left, right))
    order = np.argsort(left_px[:, 1], kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(LINES, len(order))).astype(int)]
    thick = max(1, int(left.shape[1]) // 500)
    for number, match in enumerate(chosen):
        start, end = left_px[match], right_px[match] + [left.shape[1] + GAP_PX, 0]
        ink = (AMBER, CYAN)[number % 2]
        first, last = ((round(float(x)), round(float(y))) for x, y in (start, end))
        cv2.line(picture, first, last, ink, thick, cv2.LINE_AA)
        for centre in (first, last):
            cv2.circle(picture, centre, 3 * thick, ink, thick, cv2.LINE_AA)
    return picture


def marked(image: Picture, mask: NDArray[np.bool_]) -> Picture:
    """The image with the pixels of ``mask`` tinted amber."""
    picture = image.copy()
    picture[mask] = (0.35 * picture[mask] + 0.65 * np.array(AMBER)).astype(np.uint8)
    return picture
