"""Files of a prior scene, with a line that names them where they cannot be read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from m3depth.errors import DataError
from m3depth.io.files import Array
from m3depth.io.images import read_pixels
from m3depth.io.numpy_files import read_npy
from m3depth.priors.layouts.scene import Map, PriorFrame, Stored, one_channel


def listed(folder: Path, pattern: str) -> list[Path]:
    """The files that match, in the order of their names as text, which is every reader's order.

    Raises:
        DataError: none does.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise DataError(
            f"{folder}: no {pattern}; this target reads them: is it the folder of one scene, and "
            "target=NAME the layout that it was written in?"
        )
    return found


def stored_values(path: Path) -> Stored:
    """What a .npy or a picture holds, colours in OpenCV's order.

    Raises:
        DataError: it cannot be read.
    """
    return read_npy(path) if path.suffix == ".npy" else read_pixels(path)


def plane(path: Path, values: Stored) -> Map:
    """One channel as numbers; channels beside it are not looked at.

    Raises:
        DataError: it is no map.
    """
    one = one_channel(values)
    if one.ndim != 2:
        raise DataError(f"{path}: shape {values.shape}; a depth map has (h, w)")
    return one.astype(np.float64)


def along_z(values: Map) -> Map:
    """Depth as it is stored."""
    return values


def frame(
    image: Path,
    depth: Path,
    mask: Path | None,
    decode: Callable[[Map], Map],
    uses: Callable[[Map], Array],
) -> PriorFrame:
    """One frame; see `PriorFrame`.

    Raises:
        DataError: a file cannot be read, or they are not of one size.
    """
    colours, stored = read_pixels(image), stored_values(depth)
    grey = colours[..., :3].mean(axis=2) if colours.ndim == 3 else colours.astype(np.float64)
    read = decode(plane(depth, stored))
    masked = None if mask is None else read_pixels(mask)
    used = np.ones(read.shape, bool) if mask is None else uses(plane(mask, read_pixels(mask)))
    for path, size in ((depth, read.shape), (mask, used.shape)):
        if size != grey.shape:
            raise DataError(
                f"{path}: {size[1]}x{size[0]}, but {image.name} is "
                f"{grey.shape[1]}x{grey.shape[0]}; sizes must be the same"
            )
    return PriorFrame(image.name, grey, stored, read, masked, used)
