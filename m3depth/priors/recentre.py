"""Crops that put the principal point where readers without one expect it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional

from m3depth.errors import DataError
from m3depth.io.images import resize_image
from m3depth.priors.prior import DepthPrior
from m3depth.types.camera import StereoRig

LARGEST_LOSS = 0.25  # of the width or the height
SIDES = ("on the left", "on the right", "at the top", "at the bottom")
MAPS = ("disparity_px", "depth_mm", "confidence", "use")
DONE = {"cut": True, "added, black and unknown": False}

Middle = Callable[[float], float]  # of a length: where its reader takes the principal point to be
Change = Callable[[Shaped[Tensor, "c h w"]], Shaped[Tensor, "c height width"]]


class Margins(NamedTuple):
    """Columns and rows cut from the four sides; a negative number was added."""

    left: int
    right: int
    top: int
    bottom: int


def told_crop(margins: Margins, size: tuple[int, int]) -> str:
    """What was cut and added, in words; "" when nothing was.

    Args:
        margins: Of the crop.
        size: (height, width) after it.

    >>> told_crop(Margins(left=3, right=0, top=0, bottom=1), (511, 637))
    'cut: 3 columns on the left, 1 row at the bottom (640x512 to 637x511)'
    """
    sides = zip(margins, ("column", "column", "row", "row"), SIDES, strict=True)
    parts = {True: list[str](), False: list[str]()}
    for count, what, side in sides:
        if count:
            plural = "" if abs(count) == 1 else "s"
            parts[count > 0].append(f"{abs(count)} {what}{plural} {side}")
    before = (size[1] + margins.left + margins.right, size[0] + margins.top + margins.bottom)
    changes = f"({before[0]}x{before[1]} to {size[1]}x{size[0]})"
    done = [f"{word}: {', '.join(parts[cut])}" for word, cut in DONE.items() if parts[cut]]
    return f"{'; '.join(done)} {changes}" if done else ""


def recentred(prior: DepthPrior, middle: Middle, even: bool = False) -> tuple[DepthPrior, Margins]:
    """The prior cropped so that (cx, cy) is (middle(W), middle(H)) to a quarter of a pixel.

    A column that is cut moves the middle by half a pixel. What the crop costs is as little as can
    be: each direction loses pixels on one side only.

    Args:
        prior: As it was predicted.
        middle: Where the reader takes the principal point to be.
        even: Leave even sizes, whose half is the same for readers that divide whole numbers: two
            columns move the middle by one pixel, so that it is met to half a pixel.

    Raises:
        DataError: it would cost more than a quarter of the width or of the height.
    """
    height, width = prior.size
    left, right = _margins(float(prior.rig.cx), width, middle, even, f"{prior.key}: cx")
    top, bottom = _margins(float(prior.rig.cy), height, middle, even, f"{prior.key}: cy")
    margins = Margins(left, right, top, bottom)
    return _cut(prior, margins), margins


def recentred_at(
    prior: DepthPrior, size: tuple[int, int], middle: Middle
) -> tuple[DepthPrior, Margins]:
    """The prior at ``size`` (height, width), with (cx, cy) at its middle to half a pixel.

    The picture is resized until it fits in and moved until it is centred; what sticks out is cut,
    and what is left over is black, of unknown depth and not for use. Depth is not interpolated: a
    pixel takes the nearest one's.

    Raises:
        DataError: more than a quarter of the width or of the height would be cut.
    """
    fitting = min(size[0] / prior.size[0], size[1] / prior.size[1])
    small = resized(prior, (round(prior.size[0] * fitting), round(prior.size[1] * fitting)))
    top, bottom = _placed(float(small.rig.cy), small.size[0], size[0], middle, f"{prior.key}: cy")
    left, right = _placed(float(small.rig.cx), small.size[1], size[1], middle, f"{prior.key}: cx")
    margins = Margins(left, right, top, bottom)
    return _cut(small, margins), margins


def resized(prior: DepthPrior, size: tuple[int, int]) -> DepthPrior:
    """The prior at another (height, width); numbers are the nearest pixel's, not mixed."""
    if prior.size == size:
        return prior

    def nearest(maps: Tensor) -> Tensor:
        grown = functional.interpolate(maps[None].float(), size, mode="nearest-exact")
        return grown[0].to(maps.dtype)

    image, rig = resize_image(prior.image, size), prior.rig.resized(prior.size, size)
    small = _changed(prior, nearest, image, rig)
    if small.disparity_px is None:
        return small
    return replace(small, disparity_px=small.disparity_px * (size[1] / prior.size[1]))


def _cut(prior: DepthPrior, margins: Margins) -> DepthPrior:
    padding = [-side for side in margins]
    image, rig = functional.pad(prior.image, padding), prior.rig.cropped(margins.left, margins.top)
    return _changed(prior, lambda maps: functional.pad(maps, padding), image, rig)


def _changed(
    prior: DepthPrior, change: Change, image: Float[Tensor, "3 h w"], rig: StereoRig
) -> DepthPrior:
    maps = {name: getattr(prior, name) for name in MAPS}
    changed: dict[str, Any] = {n: change(one) for n, one in maps.items() if one is not None}
    return replace(prior, image=image, rig=rig, **changed)


def _margins(
    centre_px: float, length: int, middle: Middle, even: bool, what: str
) -> tuple[int, int]:
    step = 2 if even else 1  # pixels; each moves the middle by half as many
    for cut in range(length % step, int(LARGEST_LOSS * length) + 1, step):
        for before, after in ((cut, 0), (0, cut)):
            if abs(centre_px - before - middle(length - cut)) <= step / 4:
                return before, after
    raise _too_far_out(centre_px, length, what)


def _placed(
    centre_px: float, length: int, wanted: int, middle: Middle, what: str
) -> tuple[int, int]:
    before = round(centre_px - middle(wanted))
    after = length - before - wanted
    if max(0, before) + max(0, after) > LARGEST_LOSS * length:
        raise _too_far_out(centre_px, length, what)
    return before, after


def _too_far_out(centre_px: float, length: int, what: str) -> DataError:
    return DataError(
        f"{what} is {centre_px:.1f} in {length} px: to centre it, more than {LARGEST_LOSS:.0%} "
        "would be cut; this layout cannot express it: choose another writer or rectify anew"
    )
