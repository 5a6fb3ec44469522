"""Anchors of a frame: what is known of its places, beside the relative depth found there."""

import logging
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.anchors.anchor_file import Row
from m3depth.anchors.anchors import Anchors
from m3depth.errors import DataError
from m3depth.geometry.resizing import size_of
from m3depth.matching.sgbm import sgbm
from m3depth.types import DepthMap, Kind, Scale, StereoBatch, StereoRig

BLOCKS = 8  # a side: within one of them pixels err together
GROUPS = 3  # a side: what is left out together; a network's faults are as wide as a fold
FEWEST = 0.2  # share of a block's pixels that must be matched

logger = logging.getLogger(__name__)


def inverse_depth(found: DepthMap) -> DepthMap:
    """What a scale, and a shift where it lacks one, make millimetres of."""
    if found.scale is Scale.UP_TO_SCALE_AND_SHIFT:
        return found.relative()
    return found.to(Kind.INVERSE_DEPTH)


def from_rows(rows: Iterable[Row], found: DepthMap, sample: StereoBatch) -> Iterator[Anchors]:
    """Those of one frame; one where the depth is not known is left out, with a warning.

    Args:
        rows: Of this frame.
        found: Its depth, of any size.
        sample: The frame, with its rig where lengths are known.

    Raises:
        DataError: a place outside the picture, a length without a camera, or of one pixel.
    """
    size, key = size_of(sample["left"]), str(sample["key"])
    full = inverse_depth(found).resized(size)
    known = torch.ones_like(full.values, dtype=torch.bool) if full.known is None else full.known
    for row in rows:
        pixels = [_pixel(place, size, row, key) for place in row.places]
        if len(pixels) == 2 and pixels[0] == pixels[1]:
            raise DataError(f"anchor, line {row.line}: both ends of the length are one pixel")
        group = f"{key}:{row.line}"
        if not all(bool(known[0, 0, y, x]) for x, y in pixels):
            logger.warning("anchor, line %d: no depth was found there; left out", row.line)
            continue
        r = [float(full.values[0, 0, y, x]) for x, y in pixels]
        if len(r) == 1:
            yield Anchors.depth(r[0], row.known_mm, group, row.deviation)
        else:
            rays = np.stack([_ray(place, _camera(found, sample), row) for place in row.places])
            yield Anchors.length((r[0], r[1]), rays, row.known_mm, group, row.deviation)


def from_pair(found: DepthMap, sample: StereoBatch, alone: bool) -> Iterator[Anchors]:
    """Those of one rectified pair: its matched depth, the median of each block of pixels.

    Pixels are matched with a left-right check (`matching.sgbm`).

    Args:
        found: The left image's relative depth, of any size.
        sample: The pair, with a calibrated rig.
        alone: Whether it is one of few: then each ninth of it errs on its own, else the frame.

    Raises:
        DataError: no right image, or no baseline.
    """
    if "right" not in sample or not bool(sample["rig"].calibrated):
        raise DataError(
            f"{sample['key']}: pairs tell millimetres by a right image and a rig.yaml with its "
            "baseline_mm; one of them is missing"
        )
    infinity_px = float(sample["rig"].principal_offset)
    matched = sgbm(sample["left"][None], sample["right"][None], infinity_px)
    depth_mm = matched.seen_by(sample["rig"]).depth_mm()
    full = inverse_depth(found).resized(matched.size)
    both = depth_mm > 0 if full.known is None else (depth_mm > 0) & full.known
    for (row, column), block in _blocks(matched.size):
        here = both[0, 0][block]
        if float(here.float().mean()) >= FEWEST:
            r = full.values[0, 0][block][here].median()
            middle_mm = depth_mm[0, 0][block][here].median()
            part = f"{GROUPS * row // BLOCKS},{GROUPS * column // BLOCKS}"
            group = str(sample["key"]) + (f":{part}" if alone else "")
            yield Anchors.depth(float(r), float(middle_mm), group)


def _blocks(size: tuple[int, int]) -> Iterator[tuple[tuple[int, int], tuple[slice, slice]]]:
    """(row, column) of each block, and its pixels."""
    rows, columns = (np.linspace(0, length, BLOCKS + 1).astype(int) for length in size)
    for row in range(BLOCKS):
        for column in range(BLOCKS):
            down = slice(int(rows[row]), int(rows[row + 1]))
            yield (row, column), (down, slice(int(columns[column]), int(columns[column + 1])))


def _pixel(
    place: tuple[float, float], size: tuple[int, int], row: Row, key: str
) -> tuple[int, int]:
    x, y = round(place[0]), round(place[1])
    if not (0 <= x < size[1] and 0 <= y < size[0]):
        raise DataError(
            f"anchor, line {row.line}: ({place[0]:g}, {place[1]:g}) lies outside {key}, which is "
            f"{size[1]}x{size[0]}"
        )
    return x, y


def _camera(found: DepthMap, sample: StereoBatch) -> StereoRig | None:
    """At the image's size: the frame's own, or the one that the depth is of."""
    if "rig" in sample or found.camera is None:
        return sample.get("rig")
    return found.camera.resized(found.size, size_of(sample["left"]))


def _ray(
    place: tuple[float, float], rig: StereoRig | None, row: Row
) -> Float[NDArray[np.float64], "3"]:
    if rig is None:
        raise DataError(f"anchor, line {row.line}: a length needs the camera's focal length: rig=")
    x = (place[0] - float(rig.cx)) / float(rig.fx)
    return np.array([x, (place[1] - float(rig.cy)) / float(rig.fy), 1.0])
