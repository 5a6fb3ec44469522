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


def read_npy(path: Path) -> Array:
    """An array of numbers.

    Raises:
        DataError: missing, truncated, or no array of numbers.
    """
    try:
        values: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: not a readable .npy array ({error})") from None
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        raise DataError(f"{path}: not an array of numbers; save it with numpy.save")
    return values


def read_npz(path: Path, names: Sequence[str]) -> Array:
    """The array that is called by one of ``names``, the first of them first, or the only one.

    Raises:
        DataError: missing, truncated, no array of numbers, or several and none of these names.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            there = list(arrays)
            found = [name for name in names if name in there] or there[:1]
            values: Array = arrays[found[0]]
    except (OSError, ValueError, EOFError, IndexError, zipfile.BadZipFile, zlib.error) as error:
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
