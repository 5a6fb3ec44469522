"""Reading pictures, masks and depth maps from files: the one place that decodes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.errors import DataError, EightBitDepthError
from m3depth.io.bit_depth import full_range
from m3depth.io.numpy_files import Array, read_npy, read_npz
from m3depth.io.picture_files import require_one_picture, tell_turned

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
DEPTH_SUFFIXES = (".npy", ".npz", ".png", ".tiff", ".tif", ".pfm")
MASK_SUFFIXES = (*IMAGE_SUFFIXES, ".npy", ".npz")
DEPTH_NAMES = ("depth_mm", "depth")  # of the array in an .npz of several

_AS_IT_IS = 2 | 4  # cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR, without importing it here


def read_image(path: Path) -> Float[Tensor, "3 h w"]:
    """A picture of 8 to 16 bits as RGB in [0, 1]; grey is repeated, an alpha channel is dropped.

    It is upright, as its EXIF orientation says. Of 16-bit files white is what the camera calls
    white, see `full_range`.

    Raises:
        DataError: the file is missing, truncated, of another kind or of several pictures.
    """
    return colour_tensor(read_picture(path), str(path))


def read_picture(path: Path) -> Array:
    """The same as OpenCV decodes it, grey or BGR, uint8 or uint16 with white at 65535."""
    return full_range(path, read_pixels(path), read_pixels)


def colour_tensor(pixels: Array, name: str) -> Float[Tensor, "3 h w"]:
    """What OpenCV decoded (grey, BGR or BGRA) as RGB in [0, 1]; ``name`` is for the message."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{name}: pixels of type {pixels.dtype}; save it as an 8- or 16-bit image")
    import cv2

    codes = {3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    rgb = cv2.cvtColor(pixels, codes.get(channels, cv2.COLOR_GRAY2RGB))
    planes = torch.from_numpy(rgb).permute(2, 0, 1).contiguous()
    return planes.float() * (1.0 / np.iinfo(pixels.dtype).max)


def read_depth(path: Path) -> Float[Tensor, "1 h w"]:
    """A depth map along z in millimetres; 0 = unknown, as is what is not finite or not positive.

    Raises:
        DataError: see `read_depth_values`.
    """
    depth_mm = torch.from_numpy(read_depth_values(path).astype(np.float32))[None]
    return torch.where(torch.isfinite(depth_mm) & (depth_mm > 0), depth_mm, 0.0)


def read_depth_values(path: Path, names: Sequence[str] = DEPTH_NAMES) -> Array:
    """The numbers (h, w) of a .npy, .npz, .pfm, .tiff or 16-bit .png, as they are.

    Args:
        path: The file.
        names: What an .npz of several arrays may call the one.

    Raises:
        DataError: the file is missing or unreadable, holds several channels or 8-bit numbers, or
            not one finite number.
    """
    suffix = path.suffix.lower()
    read = _DEPTH_READERS.get(suffix, read_pixels)
    values = read_npz(path, names) if suffix == ".npz" else read(path)
    if values.ndim == 3 and 1 in (values.shape[0], values.shape[2]):
        values = values.squeeze(axis=0 if values.shape[0] == 1 else 2)
    if values.dtype.itemsize == 1:
        raise EightBitDepthError(
            f"{path}: 8-bit depth ends at 255 mm; save 16 bits or floats: PNG, TIFF, PFM, .npy"
        )
    if values.ndim != 2:
        raise DataError(f"{path}: shape {values.shape}; a depth map has one channel, (h, w)")
    if not np.isfinite(values).any():
        raise DataError(f"{path}: not one finite depth; write the frame again or take it out")
    return values


def read_mask(path: Path) -> Bool[Tensor, "1 h w"]:
    """A mask, True where any colour channel is not 0; or an array, True where it is not 0.

    In a JPEG, whose compression leaves small numbers along edges, where it is above half of the
    brightest.

    Raises:
        DataError: the file is missing or unreadable, or an array is not (h, w).
    """
    if path.suffix.lower() in (".npy", ".npz"):
        values = read_npz(path, ("mask",)) if path.suffix.lower() == ".npz" else read_npy(path)
        values = np.squeeze(values) if values.ndim == 3 else values
        if values.ndim != 2:
            raise DataError(f"{path}: shape {values.shape}; a mask has one number a pixel, (h, w)")
        if np.isnan(values).any():
            raise DataError(
                f"{path}: holds NaN; a mask is 0 where a pixel is left out, 1 elsewhere"
            )
        return torch.from_numpy(values != 0)[None]
    values = np.atleast_3d(read_pixels(path))[..., :3].max(axis=2)
    lossy = path.suffix.lower() in (".jpg", ".jpeg")
    used = values > (values.max() // 2 if lossy else 0)
    return torch.from_numpy(used)[None]


def resize_image(
    image: Float[Tensor, "3 h w"], size: tuple[int, int]
) -> Float[Tensor, "3 {size[0]} {size[1]}"]:
    """The image at ``size`` (height, width), edges in place, low-pass filtered when it shrinks."""
    if image.shape[-2:] == size:
        return image
    resized = functional.interpolate(
        image[None], tuple(size), mode="bilinear", antialias=True, align_corners=False
    )
    return resized[0].clamp(0, 1)  # rounding leaves 1 by a few 1e-7


def check_alike(path: Path, one: Tensor, what: str, other: Tensor) -> None:
    """Refuse two images that must have the same size and do not.

    Raises:
        DataError: naming the file of ``one``, ``what`` the other is, and both sizes.
    """
    if one.shape[-2:] != other.shape[-2:]:
        (h, w), (height, width) = one.shape[-2:], other.shape[-2:]
        raise DataError(f"{path}: {w}x{h}, but {what} is {width}x{height}; sizes must be the same")


def read_pixels(path: Path) -> Array:
    """The numbers in a picture's file, upright, of its own type: grey or BGR; see `read_image`."""
    import cv2

    data = _bytes_of(path)
    require_one_picture(data, path)
    try:  # unlike IMREAD_UNCHANGED, these turn the picture as its EXIF orientation says
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_IT_IS)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise DataError(f"{path}: truncated or not an image; copy the file again or remove it")
    tell_turned(data, path)
    return pixels


def _bytes_of(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    if not data:
        raise DataError(f"{path}: empty file; copy the file again or remove it")
    return data


def _read_pfm(path: Path) -> Array:
    """A one-channel portable float map: rows from the bottom, a negative scale = little-endian.

    OpenCV also divides by the scale, which Middlebury's files set to 1/255 without meaning it.
    """
    try:
        kind, size, scale, data = _bytes_of(path).split(b"\n", 3)
        if kind.strip() != b"Pf":
            raise DataError(f"{path}: a PFM of another kind; depth has one channel ('Pf')")
        width, height = (int(number) for number in size.split())
        numbers = np.frombuffer(data, "<f4" if float(scale) < 0 else ">f4")
        values = numbers.reshape(height, width)[::-1]
    except ValueError as error:
        raise DataError(f"{path}: not a whole PFM file ({error})") from None
    return values


_DEPTH_READERS = {".npy": read_npy, ".pfm": _read_pfm}
