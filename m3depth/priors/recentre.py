"""Crops that put the principal point where readers without one expect it."""

from dataclasses import replace
from typing import NamedTuple

from m3depth.errors import DataError
from m3depth.priors.prior import DepthPrior

LARGEST_LOSS = 0.25  # of the width or the height


class Margins(NamedTuple):
    """Columns and rows cut from the four sides."""

    left: int
    right: int
    top: int
    bottom: int


def recentred(prior: DepthPrior) -> tuple[DepthPrior, Margins]:
    """The prior cropped so that (cx, cy) is (W // 2, H // 2) to half a pixel.

    What the crop costs is as little as can be: each direction loses pixels on one side only.

    Raises:
        DataError: it would cost more than a quarter of the width or of the height.
    """
    height, width = prior.size
    left, right = _margins(float(prior.rig.cx), width, f"{prior.key}: cx")
    top, bottom = _margins(float(prior.rig.cy), height, f"{prior.key}: cy")
    area = (..., slice(top, height - bottom), slice(left, width - right))
    cropped = replace(
        prior,
        image=prior.image[area],
        disparity_px=prior.disparity_px[area],
        depth_mm=prior.depth_mm[area],
        confidence=prior.confidence[area],
        use=None if prior.use is None else prior.use[area],
        rig=prior.rig.cropped(left, top),
    )
    return cropped, Margins(left, right, top, bottom)


def _margins(centre_px: float, length: int, what: str) -> tuple[int, int]:
    for cut in range(int(LARGEST_LOSS * length) + 1):
        for before, after in ((cut, 0), (0, cut)):
            if abs(centre_px - before - (length - cut) // 2) <= 0.5:
                return before, after
    raise DataError(
        f"{what} is {centre_px:.1f} in {length} px: to centre it, more than {LARGEST_LOSS:.0%} "
        "would be cut; this layout cannot express it: choose another writer or rectify anew"
    )
