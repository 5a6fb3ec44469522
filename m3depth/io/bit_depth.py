"""How many bits the pictures of a folder use: cameras of 10 or 12 bits are saved in files of 16."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from m3depth.errors import DataError
from m3depth.io.numpy_files import Array
from m3depth.log import warn_once

Decode = Callable[[Path], Array]

SAMPLED = 12  # pictures of a folder, spread evenly: endoscopes have highlights in nearly each
BITS = (8, 10, 12, 14, 16)


def full_range(path: Path, pixels: Array, decode: Decode) -> Array:
    """A 16-bit picture with white at 65535, whatever number its camera calls white.

    The bits are those of the brightest pixel in a sample of the folder's 16-bit pictures, so that
    all pictures of a clip are scaled by one factor; fewer than 16 bits are logged once.

    Args:
        path: The picture's file.
        pixels: What was decoded from it; all but uint16 is given back as it is.
        decode: Reads another file of the folder.

    Raises:
        DataError: the picture is brighter than the others can be.
    """
    if pixels.dtype != np.uint16:
        return pixels
    bits = _bits(path.parent, path.suffix, pixels.ndim, decode)
    white, brightest = 2**bits - 1, int(pixels.max())
    if brightest > white:
        raise DataError(
            f"{path}: holds {brightest}, but the pictures beside it have {bits} bits and end at "
            f"{white}; save all with white at 65535, or in 8 bits"
        )
    if bits == 16:
        return pixels
    scaled: Array = (pixels.astype(np.uint32) * 65535 + white // 2) // white
    return scaled.astype(np.uint16)


@lru_cache(maxsize=256)
def _bits(folder: Path, suffix: str, dimensions: int, decode: Decode) -> int:
    files = sorted(path for path in folder.iterdir() if path.suffix == suffix)
    step = max(1, len(files) // SAMPLED)
    brightest = max(_brightest(path, dimensions, decode) for path in files[::step])
    if brightest == 0:
        return 16
    bits = next(bits for bits in BITS if brightest < 2**bits)
    if bits < 16:
        warn_once(
            f"{folder}: the 16-bit pictures end at {brightest} and are taken for {bits} bits: "
            f"white is {2**bits - 1}; if that is not so, save them with white at 65535"
        )
    return bits


def _brightest(path: Path, dimensions: int, decode: Decode) -> int:
    """0 for any but a 16-bit picture of as many dimensions: grey ones may be depth."""
    try:
        pixels = decode(path)
    except DataError:  # raised when this picture itself is read
        return 0
    same_kind = pixels.dtype == np.uint16 and pixels.ndim == dimensions
    return int(pixels.max()) if same_kind else 0
