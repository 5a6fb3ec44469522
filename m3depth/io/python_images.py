"""Images as people hold them in Python: files, PIL, NumPy or torch."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from m3depth.errors import DataError
from m3depth.io.images import IMAGE_SUFFIXES, read_image
from m3depth.io.numpy_files import Array

CHANNELS = (1, 3, 4)  # grey, RGB, RGB and alpha
EXPECTED = "expected uint8, uint16, or floats from 0 to 1"
ROUNDING = 1e-3  # floats beyond 0 and 1 by so little are clipped
FEWER_BITS = 4096  # 16-bit numbers that all are below hold 10 or 12 bits

Held = str | Path | Array | Tensor | Image.Image


def as_image(held: object, name: str) -> Float[Tensor, "3 h w"]:
    """One image as RGB in [0, 1].

    Args:
        held: A file's path, PIL's image, a NumPy array or a torch tensor: (h, w), (h, w, c) or
            (c, h, w), with c = 1 (grey, repeated), 3 (RGB) or 4 (alpha is dropped); uint8, uint16,
            or floats from 0 to 1. OpenCV's order, BGR, looks like any other: turn it yourself.
        name: Of the image, for the messages.

    Raises:
        DataError: no such file, or numbers or a shape that no such image has.
    """
    if isinstance(held, str | Path):
        return _file(Path(held))
    values = _numbers(held, name)
    return _planes(_in_range(values, name), name)


def _file(path: Path) -> Float[Tensor, "3 h w"]:
    if path.exists() and path.suffix.lower() not in IMAGE_SUFFIXES:
        what = "a folder" if path.is_dir() else f"no image ({' '.join(IMAGE_SUFFIXES)})"
        raise DataError(
            f"{path}: {what}; pass images one by one or in a list, or use `m3depth predict input=`"
        )
    return read_image(path)


def _numbers(held: object, name: str) -> Array:
    if isinstance(held, Tensor):
        plain = held.detach().cpu()
        return (plain.float() if plain.is_floating_point() else plain).numpy()
    values = np.asarray(_upright(held))
    if np.ma.is_masked(held):
        raise DataError(f"{name}: a masked array; fill what is masked")
    if values.dtype.kind not in "biuf":
        raise DataError(
            f"{name}: {type(held).__name__} is no image; pass a path, PIL's image, "
            "a NumPy array or a torch tensor"
        )
    return values


def _upright(held: object) -> object:
    """PIL's images as the camera was held, in grey, RGB or RGBA; the rest as it is."""
    if not isinstance(held, Image.Image):
        return held
    upright = ImageOps.exif_transpose(held)
    if upright.mode in ("L", "RGB", "RGBA", "I;16", "F"):
        return upright
    return upright.convert("L" if upright.mode == "1" else "RGB")


def _in_range(values: Array, name: str) -> Float[Tensor, "*shape"]:
    """As floats from 0 to 1."""
    if not values.size:
        raise DataError(f"{name}: shape {values.shape} holds no pixel")
    low, high = values.min().item(), values.max().item()
    if values.dtype in (np.uint8, np.uint16):
        if values.dtype == np.uint16 and 0 < high < FEWER_BITS:
            raise DataError(
                f"{name}: 16-bit numbers that end at {high}, so of 10 or 12 bits; divide by 1023 "
                "or 4095 and pass floats from 0 to 1"
            )
        whole = np.ascontiguousarray(values).astype(np.float32)
        return torch.from_numpy(whole) * (1.0 / np.iinfo(values.dtype).max)
    if values.dtype.kind != "f":
        raise DataError(f"{name}: numbers of type {values.dtype}; {EXPECTED}")
    if not np.isfinite(values).all():
        raise DataError(f"{name}: NaN or infinity among the pixels; {EXPECTED}")
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise DataError(f"{name}: floats from {low:.4g} to {high:.4g}; {_mend(low, high)}")
    return torch.from_numpy(np.ascontiguousarray(values).astype(np.float32)).clamp(0, 1)


def _mend(low: float, high: float) -> str:
    if low < -ROUNDING:
        return "expected 0 to 1: undo a normalisation by mean and standard deviation, or clip"
    return "expected 0 to 1: " + ("divide by 255" if 2 < high <= 255 else "scale or clip them")


def _planes(values: Float[Tensor, "*shape"], name: str) -> Float[Tensor, "3 h w"]:
    """Channels first, three of them."""
    shape = tuple(values.shape)
    if len(shape) == 2:
        values = values[None]
    elif len(shape) != 3 or not {shape[0], shape[-1]} & set(CHANNELS):
        raise DataError(
            f"{name}: shape {shape}; expected (h, w), (h, w, c) or (c, h, w), c 1, 3, 4"
        )
    elif {shape[0], shape[-1]} <= set(CHANNELS):
        raise DataError(
            f"{name}: shape {shape} may have its channels first or last; pass a larger image"
        )
    elif shape[-1] in CHANNELS:
        values = values.permute(2, 0, 1)
    return values[:3].expand(3, -1, -1).contiguous()
