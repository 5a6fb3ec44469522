"""NumPy's files: one array, or one of several by its name."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from m3depth.errors import DataError

Array = npt.NDArray[Any]
TEXT = ("kind", "scale", "unit")  # arrays of text in an .npz: what its numbers are
_UNREADABLE = (OSError, ValueError, EOFError, IndexError, zipfile.BadZipFile, zlib.error)


def read_npy(path: Path) -> Array:
    """An array of numbers; a `DataError` where it is missing, truncated or of something else."""
    try:
        values: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: not a readable .npy array ({error})") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        raise DataError(f"{path}: not an array of numbers; save it with numpy.save")
    return values


def read_npz(path: Path, names: Sequence[str]) -> Array:
    """The array that is called by one of ``names``, the first of them first, or the only one.

    Text beside it, see `TEXT`, is not counted.

    Raises:
        DataError: missing, truncated, no array of numbers, or several and none of these names.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            there = [name for name in arrays if name not in TEXT]
            found = [name for name in names if name in there] or there[:1]
            values: Array = arrays[found[0]]
    except _UNREADABLE as error:
        raise DataError(f"{path}: not a readable .npz ({error})") from None
    if found[0] not in names and len(there) > 1:
        wanted = " or ".join(repr(name) for name in names)
        raise DataError(
            f"{path}: no array {wanted} among {', '.join(there)}; name the one that is meant so, "
            "or, of predictions, choose another kind="
        )
    if values.dtype.kind not in "biuf":
        raise DataError(f"{path}: {found[0]} is no array of numbers")
    return values


def read_npz_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Those of the arrays of these names that are there, numbers or text.

    Raises:
        DataError: missing or truncated.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names if name in arrays}
    except _UNREADABLE as error:
        raise DataError(f"{path}: not a readable .npz ({error})") from None
