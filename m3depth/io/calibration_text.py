"""Calibrations that are plain text or JSON: numbers, checked on the way in."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from m3depth.errors import DataError

Matrix = npt.NDArray[np.float64]
ROTATION_OFF = 0.02  # a file that left digits out passes
RECTIFIED_PX = 1.0


def read_rows(path: Path) -> list[list[float]]:
    """The numbers of a text file, line by line, separated by blanks or commas.

    Empty lines and what follows a ``#`` are skipped.

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
    """A text file; a `DataError` where it is missing, unreadable or not text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not a text file") from None


def read_json(path: Path) -> Mapping[str, object]:
    """The top level of a JSON file; a `DataError` where it is unreadable or no object with keys."""
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


def as_pose(numbers: object, where: str) -> Matrix:
    """A rotation and a translation, 4x4; ``where`` is for the message.

    Raises:
        DataError: not 16 finite numbers, another last row than 0 0 0 1, or no rotation.
    """
    pose = as_matrix(numbers, (4, 4), where)
    turn = pose[:3, :3]
    off = np.abs(turn @ turn.T - np.eye(3)).max()
    if off > ROTATION_OFF or np.linalg.det(turn) < 0 or not np.allclose(pose[3], (0, 0, 0, 1)):
        raise DataError(
            f"{where}: no rotation and translation (R Rᵀ = 1, determinant 1, last row 0 0 0 1)"
        )
    return pose


def require_rectified(left: Matrix, right: Matrix, where: str) -> None:
    """Refuse (`DataError`) K or P of no rectified pair: only cx and the shift may differ."""
    names = {"fx": (0, 0), "fy": (1, 1), "cy": (1, 2)}
    pairs = {name: (left[place], right[place]) for name, place in names.items()}
    apart = {n: pair for n, pair in pairs.items() if abs(pair[0] - pair[1]) > RECTIFIED_PX}
    if apart:
        told = ", ".join(f"{name} {one:g} and {other:g}" for name, (one, other) in apart.items())
        raise DataError(
            f"{where}: {told} of left and right differ, so the rows do not match; give the "
            "calibration after rectification"
        )
