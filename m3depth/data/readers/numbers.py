"""Calibrations that are plain text or JSON: numbers, checked on the way in."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from m3depth.errors import DataError

Matrix = npt.NDArray[np.float64]


def read_rows(path: Path) -> list[list[float]]:
    """The numbers of a text file, line by line, apart by blanks or commas.

    Empty lines are passed over, and what follows a ``#``.

    Raises:
        DataError: unreadable, or something in it is not a finite number.
    """
    lines = (
        line.partition("#")[0].replace(",", " ").split() for line in read_text(path).splitlines()
    )
    try:
        rows = [[float(word) for word in line] for line in lines if line]
    except ValueError as error:
        raise DataError(f"{path}: not a table of numbers ({error})") from None
    if not all(np.isfinite(row).all() for row in rows):
        raise DataError(f"{path}: holds NaN or infinity; a calibration has finite numbers")
    return rows


def read_text(path: Path) -> str:
    """A text file.

    Raises:
        DataError: missing, unreadable or not text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file") from None


def read_json(path: Path) -> Mapping[str, object]:
    """The top level of a JSON file.

    Raises:
        DataError: unreadable, or not an object with keys.
    """
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise DataError(f"{path}: not a JSON object with keys")
    return content


def as_matrix(numbers: object, shape: tuple[int, int], where: str) -> Matrix:
    """Numbers in any nesting as a matrix of ``shape``; ``where`` is for the message.

    Raises:
        DataError: too few or too many of them, or something that is not a finite number.
    """
    try:
        values = np.asarray(numbers, np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{where}: not an array of numbers") from None
    if values.size != shape[0] * shape[1] or not np.isfinite(values).all():
        raise DataError(
            f"{where}: {values.size} numbers, {shape[0]}x{shape[1]} finite ones expected"
        )
    return values.reshape(shape)
