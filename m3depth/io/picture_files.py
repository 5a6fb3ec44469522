"""What a picture's file says beside its pixels: several pictures in one, which way is up."""

import io
import warnings
from pathlib import Path

from m3depth.errors import DataError
from m3depth.log import warn_once

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
PNG = b"\x89PNG"
EXIF_FROM = 65_536  # bytes of a JPEG in which its EXIF data lie
ORIENTATION = 0x0112
UPRIGHT = 1


def require_one_picture(data: bytes, path: Path) -> None:
    """Refuse (`DataError`) a file of several pictures, of which only the first would be seen."""
    count = _pages(data) if data[:4] in TIFF else _animated(data) if data[:4] == PNG else 1
    if count > 1:
        raise DataError(
            f"{path}: holds {count} pictures, and one is expected; save each in a file of its own"
        )


def tell_turned(data: bytes, path: Path) -> None:
    """Say once for each folder that its pictures are turned as their EXIF orientation asks."""
    exif = data[:4] in TIFF or b"Exif\0\0" in data[:EXIF_FROM]
    exif = exif or (data[:4] == PNG and b"eXIf" in data)
    if exif and _orientation(data) != UPRIGHT:
        warn_once(
            f"{path.parent}: pictures are turned upright, as their EXIF orientation says and as "
            "viewers show them; calibration, depth and masks must be of the upright pictures"
        )


def _pages(data: bytes) -> int:
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            return sum(not getattr(page, "is_reduced", False) for page in file.pages)
    except (tifffile.TiffFileError, ValueError, IndexError, KeyError, EOFError):
        return 1  # the decoder says what is wrong with it


def _animated(data: bytes) -> int:
    """The frames that an animated PNG says it has, before its first picture."""
    place = data.find(b"acTL", 0, max(0, data.find(b"IDAT")))
    return 1 if place < 0 else int.from_bytes(data[place + 4 : place + 8], "big")


def _orientation(data: bytes) -> int:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data)) as picture:
            return int(picture.getexif().get(ORIENTATION, UPRIGHT))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return UPRIGHT
