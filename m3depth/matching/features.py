"""Points that both views show, found without assuming that the pair is rectified."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from m3depth.matching.grey import Grey

WIDEST_PX = 1280  # larger pictures are shrunk for the search
MOST = 2000  # points in one view
FAINTEST = 0.015  # contrast: tissue has little
DISTINCT = 0.8  # the best match must be this much nearer than the second best (Lowe 2004)


class Features(NamedTuple):
    """Points of one picture, in its own pixels, with unit descriptors."""

    points_px: Float[NDArray[np.floating], "n 2"]  # x, y
    descriptors: Float[NDArray[np.floating], "n 128"]

    def where(self, chosen: Bool[NDArray[np.bool_], "n"]) -> "Features":
        """Some of them."""
        return Features(self.points_px[chosen], self.descriptors[chosen])


class Matches(NamedTuple):
    """The same points in two pictures; ``shift`` is left minus right."""

    left_px: Float[NDArray[np.floating], "n 2"]
    right_px: Float[NDArray[np.floating], "n 2"]

    @property
    def shift_px(self) -> Float[NDArray[np.floating], "n 2"]:
        """Disparity (x) and vertical disparity (y)."""
        return self.left_px - self.right_px

    def where(self, chosen: Bool[NDArray[np.bool_], "n"]) -> "Matches":
        """Some of them."""
        return Matches(self.left_px[chosen], self.right_px[chosen])


def features(grey: Grey) -> Features:
    """SIFT points, found after the local contrast is equalised (CLAHE)."""
    import cv2

    scale = min(1.0, WIDEST_PX / grey.shape[1])
    if scale < 1:
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        grey = np.asarray(small, np.uint8)
    even = cv2.createCLAHE(2.0, (8, 8)).apply(grey)
    sift = cv2.SIFT.create(nfeatures=MOST, contrastThreshold=FAINTEST, edgeThreshold=12)
    found, descriptors = sift.detectAndCompute(even, None)
    if not found:
        return Features(np.empty((0, 2)), np.empty((0, 128), np.float32))
    at = (np.array([point.pt for point in found]) + 0.5) / scale - 0.5  # integer pixel centres
    length = np.linalg.norm(descriptors, axis=1, keepdims=True)
    return Features(at, descriptors / np.maximum(length, 1e-6))


def match(left: Features, right: Features) -> Matches:
    """Mutual best matches that are distinct in both directions."""
    if min(len(left.points_px), len(right.points_px)) < 2:
        return Matches(np.empty((0, 2)), np.empty((0, 2)))
    distance = np.sqrt(np.maximum(2 - 2 * left.descriptors @ right.descriptors.T, 0))
    there, back = distance.argmin(1), distance.argmin(0)
    first, second = np.partition(distance, 1, axis=1)[:, :2].T
    first_back, second_back = np.partition(distance, 1, axis=0)[:2]
    mutual = back[there] == np.arange(len(there))
    clear = (first < DISTINCT * second) & (first_back < DISTINCT * second_back)[there]
    kept = mutual & clear
    return Matches(left.points_px[kept], right.points_px[there[kept]])
