"""Whether a camera can have such a calibration: the one place that knows what cannot be true."""

import math
from enum import IntEnum
from typing import NamedTuple

from torch import Tensor

from m3depth.errors import DataError
from m3depth.log import warn_once
from m3depth.types.camera import StereoRig

ENDOSCOPE_MM = (1.5, 20.0)  # shortest and longest baseline of stereo endoscopes
RIG_MM = (1.0, 1000.0)  # of any stereo rig
VIEW_DEG = (20.0, 170.0)  # field of view across the longer side
USUAL_VIEW_DEG = (30.0, 130.0)
WIDEST_DEG = 140.0  # rectified: its border has a ninth of the resolution of its middle
PIXEL_SHAPE = 2.5  # largest ratio of fx to fy, either way
USUAL_PIXEL_SHAPE = 1.25
MIDDLE = 0.5  # share of the width and of the height, in the middle, where a centre lies
OTHER_SIZE = 0.2  # both off by so much towards one corner: K of another resolution
SMALLEST = 32  # px; in smaller images normalised numbers cannot be recognised
MM_PER_UNIT = {"metres": 1000.0, "centimetres": 10.0, "micrometres": 0.001}


class Doubt(IntEnum):
    """How sure it is that a number is wrong."""

    RARE = 1  # some cameras have it
    ODD = 2  # what a crop may leave, and a wrong calibration more often
    UNLIKELY = 3  # hardly any camera has it
    IMPOSSIBLE = 4


class Oddity(NamedTuple):
    """One thing in a calibration that is hard to believe."""

    code: str  # stable, for scripts: "baseline_unit"
    doubt: Doubt
    said: str
    mend: str


def oddities(rig: StereoRig, size: tuple[int, int], endoscope: bool = True) -> list[Oddity]:
    """What is hard to believe in one rig; nothing when all is well.

    Args:
        rig: Of one pair, not of a batch; without a baseline only its camera is looked at.
        size: (height, width) in pixels that the rig is for.
        endoscope: Whether a baseline that no endoscope has is an oddity.
    """
    if normalised := _normalised(rig, size):
        return [normalised]  # every other oddity would follow from the wrong unit
    found = (
        _field_of_view(rig, size),
        _centre(rig, size),
        _pixel_shape(rig),
        _baseline(rig, endoscope),
    )
    return [oddity for oddity in found if oddity]


def require_plausible(
    rig: StereoRig,
    size: tuple[int, int],
    where: str,
    *,
    refused: Doubt = Doubt.ODD,
    endoscope: bool = True,
    hint: str = "",
) -> None:
    """Refuse a rig that no camera has; what a few have is logged once. See `oddities`.

    Args:
        rig: Of one pair.
        size: (height, width) that it is for.
        where: The file, for the message.
        refused: From which doubt on: `ODD` for what users write, `UNLIKELY` for what is published,
            `IMPOSSIBLE` for a calibration that says that its numbers are meant.
        endoscope: See `oddities`.
        hint: What else may mend it.

    Raises:
        DataError: Naming the file, the number and how to mend it.
    """
    for oddity in sorted(oddities(rig, size, endoscope), key=lambda one: -one.doubt):
        told = oddity.doubt in (Doubt.ODD, Doubt.UNLIKELY)
        line = f"{where}: {oddity.said}; {oddity.mend}{hint if told else ''}"
        if oddity.doubt >= refused:
            raise DataError(line)
        if oddity.doubt > Doubt.RARE or refused < Doubt.IMPOSSIBLE:
            warn_once(line)


def _normalised(rig: StereoRig, size: tuple[int, int]) -> Oddity | None:
    fx, fy, cx, cy = (float(value) for value in (rig.fx, rig.fy, rig.cx, rig.cy))
    if min(size) < SMALLEST or max(fx, fy) > 8 or max(abs(cx), abs(cy)) > 2:
        return None
    return Oddity(
        "normalised_rig",
        Doubt.IMPOSSIBLE,
        f"fx {fx:g}, fy {fy:g}, cx {cx:g}, cy {cy:g} look normalised: {_named(size)} has a focal "
        "length of hundreds of pixels",
        "multiply fx and cx by the width, fy and cy by the height, and give pixels",
    )


def _field_of_view(rig: StereoRig, size: tuple[int, int]) -> Oddity | None:
    across = max(_degrees(rig.fx, rig.cx, size[1]), _degrees(rig.fy, rig.cy, size[0]))
    if USUAL_VIEW_DEG[0] <= across <= USUAL_VIEW_DEG[1]:
        return None
    seen = VIEW_DEG[0] <= across <= VIEW_DEG[1]
    doubt = Doubt.ODD if across > WIDEST_DEG else Doubt.RARE
    low, high = USUAL_VIEW_DEG if seen else VIEW_DEG
    return Oddity(
        "field_of_view",
        doubt if seen else Doubt.UNLIKELY,
        f"fx {float(rig.fx):g}, fy {float(rig.fy):g} in {_named(size)}: it would see "
        f"{across:.0f} degrees; rectified cameras see {low:g} to {high:g}",
        "give the focal length in pixels of these very images",
    )


def _degrees(focal: Tensor, centre: Tensor, side: int) -> float:
    """From the outer edge of the first pixel to that of the last."""
    f, c = float(focal), float(centre)
    return math.degrees(math.atan((c + 0.5) / f) + math.atan((side - 0.5 - c) / f))


def _centre(rig: StereoRig, size: tuple[int, int]) -> Oddity | None:
    height, width = size
    off_x = [(float(c) + 0.5) / width - 0.5 for c in (rig.cx, rig.cx_right)]
    off_y = (float(rig.cy) + 0.5) / height - 0.5
    farthest = max(*map(abs, off_x), abs(off_y))
    corner = min(abs(off_x[0]), abs(off_y)) > OTHER_SIZE and off_x[0] * off_y > 0
    if farthest <= MIDDLE / 2 and not corner:
        return None
    centres = f"cx {float(rig.cx):g}, cy {float(rig.cy):g}"
    if rig.cx != rig.cx_right:
        centres += f", cx_right {float(rig.cx_right):g}"
    guess = ""
    if corner and max(off_x[0], off_y) < 2:
        sides = [round(2 * float(c) + 1) for c in (rig.cx, rig.cy)]
        guess = f" and looks like K of an image of about {sides[0]}x{sides[1]}"
    return Oddity(
        "principal_point",
        Doubt.ODD if farthest <= 0.5 else Doubt.UNLIKELY,
        f"{centres} is outside the middle of {_named(size)}{guess}",
        "give K of these very images, in pixels",
    )


def _pixel_shape(rig: StereoRig) -> Oddity | None:
    ratio = float(rig.fx / rig.fy)
    off = max(ratio, 1 / ratio)
    if off <= USUAL_PIXEL_SHAPE:
        return None
    return Oddity(
        "pixel_shape",
        Doubt.RARE if off <= PIXEL_SHAPE else Doubt.UNLIKELY,
        f"fx {float(rig.fx):g} is {ratio:.3g} times fy {float(rig.fy):g}, but pixels are nearly "
        "square",
        "give both focal lengths in pixels of these very images",
    )


def _baseline(rig: StereoRig, endoscope: bool) -> Oddity | None:
    length = float(rig.baseline_mm)
    if length == 0:  # not calibrated
        return None
    any_rig = RIG_MM[0] <= length <= RIG_MM[1]
    low, high = ENDOSCOPE_MM if any_rig else RIG_MM
    if low <= length <= high or (any_rig and not endoscope):
        return None
    return Oddity(
        "baseline_unit",
        Doubt.RARE if any_rig else Doubt.UNLIKELY,
        f"the baseline is {length:g} mm; stereo {'endoscopes' if any_rig else 'rigs'} have {low:g} "
        f"to {high:g} mm{_unit(length)}",
        "give the baseline in millimetres",
    )


def _unit(length: float) -> str:
    """Which unit it would be an endoscope's in."""
    for name, factor in MM_PER_UNIT.items():
        if ENDOSCOPE_MM[0] <= length * factor <= ENDOSCOPE_MM[1]:
            return f", which {length:g} would be in {name}"
    return ""


def _named(size: tuple[int, int]) -> str:
    return f"an image of {size[1]}x{size[0]}"
