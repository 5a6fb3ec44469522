"""Matrices from the files of OpenCV's ``FileStorage`` (YAML, JSON or XML)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from m3depth.errors import DataError
from m3depth.io.numpy_files import Array


def read_matrices(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """The matrices of these names.

    Raises:
        DataError: the file is missing or no such file, or lacks one of the names.
    """
    import cv2

    try:
        text = path.read_text(encoding="utf-8")
        storage = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
        found = {name: storage.getNode(name).mat() for name in names}
        storage.release()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except (cv2.error, SystemError, UnicodeDecodeError):
        raise DataError(f"{path}: not a file that OpenCV's FileStorage can read") from None
    missing = [name for name, matrix in found.items() if matrix is None]
    if missing:
        raise DataError(f"{path}: {', '.join(missing)} missing; a calibration has all of them")
    return {name: np.asarray(matrix) for name, matrix in found.items()}
