"""One frame of writer=npz, checked."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64
from numpy.typing import NDArray

from m3depth.errors import DataError
from m3depth.io.depth_meaning import NO_UNIT, Meaning
from m3depth.types import Kind, Scale

COLOURS_TOLERANCE = 1e-3  # of float colours beyond 0 to 1
NUMBERS = "biuf"  # numpy's kinds
OPTIONAL = ("confidence", "scale_deviation")


class Archive(NamedTuple):
    """What `NpzWriter` wrote."""

    image: Float32[NDArray[np.float32], "h w 3"]  # RGB in [0, 1]
    depth_mm: Float32[NDArray[np.float32], "h w"]
    confidence: Float32[NDArray[np.float32], "h w"] | None  # None: not told
    valid: Bool[NDArray[np.bool_], "h w"]
    use: Bool[NDArray[np.bool_], "h w"]
    intrinsics: Float64[NDArray[np.float64], "3 3"]
    camera_to_world: Float64[NDArray[np.float64], "4 4"]
    scale_deviation: float | None  # None: not told


def read_archive(path: Path) -> Archive:
    """Read a frame; one without ``use`` uses what is valid.

    Whether the depth, the confidence and the pose are sound is for the caller to ask: see
    `m3depth.priors.sound`.

    Raises:
        DataError: the file is truncated, lacks an array, or one has another shape or no numbers;
            it says another kind, scale or unit of its depth; colours that are not from 0 to 1; a K
            without a focal length; pixels that are said to be valid and have no depth.
    """
    arrays = _arrays(path)
    _require_words(path, arrays)
    _require_shapes(path, arrays)
    image = arrays["image"].astype(np.float32)
    if arrays["image"].dtype == np.uint8:
        image /= 255
    if not (np.abs(image - 0.5) <= 0.5 + COLOURS_TOLERANCE).all():  # NaN fails too
        raise DataError(f"{path}: colours that are NaN or not 0 to 1; export the scene again")
    focal_px = arrays["intrinsics"].diagonal()[:2]
    if not (np.isfinite(arrays["intrinsics"]).all() and (focal_px > 0).all()):
        raise DataError(f"{path}: intrinsics without a focal length; export the scene again")
    valid = arrays["valid"].astype(bool)
    empty = int(np.count_nonzero(valid & (arrays["depth_mm"] == 0)))
    if empty:
        raise DataError(
            f"{path}: {empty} pixels are said to be valid, and their depth is 0, which is not "
            "known; set valid to false there, or export the scene again"
        )
    return Archive(
        image=image,
        depth_mm=arrays["depth_mm"].astype(np.float32),
        confidence=arrays["confidence"].astype(np.float32) if "confidence" in arrays else None,
        valid=valid,
        use=arrays["use"].astype(bool),
        intrinsics=arrays["intrinsics"].astype(np.float64),
        camera_to_world=arrays["camera_to_world"].astype(np.float64),
        scale_deviation=float(arrays["scale_deviation"]) if "scale_deviation" in arrays else None,
    )


def _arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as saved:  # of a .npy's content, it is no context
            arrays = dict(saved)
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: not a whole .npz ({error}); export the scene again") from None
    if "valid" in arrays:
        arrays.setdefault("use", arrays["valid"])
    lacking = [name for name in Archive._fields if name not in {*arrays, *OPTIONAL}]
    if lacking:
        raise DataError(f"{path}: without {', '.join(lacking)}; export the scene again")
    return arrays


def _require_words(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """What the file says of its depth must be so; earlier versions said nothing.

    Of a reconstruction whose scale is open, the file says so, and that it has no unit.
    """
    scale = Scale.UP_TO_SCALE if arrays.get("unit") == NO_UNIT else Scale.METRIC
    for name, word in Meaning(Kind.DEPTH, scale).text().items():
        if name in arrays and arrays[name] != word:
            raise DataError(
                f"{path}: says itself that the {name} of its depth is {arrays[name]}, and this "
                f"layout's is {word}; export the scene again"
            )


def _require_shapes(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    height, width = (*arrays["depth_mm"].shape, 0, 0)[:2]
    expected: dict[str, tuple[int, ...]] = dict.fromkeys(Archive._fields, (height, width))
    expected |= {"image": (height, width, 3), "intrinsics": (3, 3), "camera_to_world": (4, 4)}
    expected["scale_deviation"] = ()
    for name, shape in expected.items():
        one = arrays.get(name)
        if one is None:  # only those of `OPTIONAL` may be
            continue
        if one.shape != shape or one.dtype.kind not in NUMBERS:
            raise DataError(
                f"{path}: {name} has shape {one.shape} ({one.dtype}), expected {shape} numbers; "
                "export the scene again"
            )
