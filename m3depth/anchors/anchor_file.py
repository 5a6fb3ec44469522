"""Known depths and lengths from a .csv file."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from m3depth.errors import DataError

PLACES = {  # what is known, by its column: the columns that say where
    "depth_mm": ("x", "y"),
    "length_mm": ("x1", "y1", "x2", "y2"),
}
COLUMNS = ("frame", *PLACES["depth_mm"], *PLACES["length_mm"], *PLACES, "sd_mm")
WANTED = (
    "a header with frame and x, y, depth_mm (a place of known depth) or x1, y1, x2, y2, length_mm "
    "(two places of known distance), and sd_mm where it is known"
)


class Row(NamedTuple):
    """One line of the file: pixels of the frame, integer centres, from the left and from the top.

    Attributes:
        line: Its number in the file, from 1.
        frame: The frame's name.
        places: One (x, y) of a depth, two of a length.
        known_mm: The depth, or the length.
        deviation: Standard deviation as a share of it; NaN: the file does not say.
    """

    line: int
    frame: str
    places: tuple[tuple[float, float], ...]
    known_mm: float
    deviation: float


def read_anchor_file(path: Path) -> list[Row]:
    """All rows.

    Raises:
        DataError: the file is missing, empty, of other columns, or a number is none or not above 0.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            unknown = set(reader.fieldnames or ()) - set(COLUMNS)
            if unknown or "frame" not in (reader.fieldnames or ()):
                named = f"column {sorted(unknown)[0]!r}" if unknown else "no column 'frame'"
                raise DataError(f"anchor={path}: {named}; it needs {WANTED}")
            rows = [_row(path, reader.line_num, one) for one in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"anchor={path}: cannot be read as .csv ({error})") from error
    if not rows:
        raise DataError(f"anchor={path}: no anchor in it; it needs {WANTED}, and rows below")
    return rows


def _row(path: Path, line: int, cells: Mapping[str, str | None]) -> Row:
    said = f"anchor={path}: line {line}"
    kinds = [kind for kind in PLACES if (cells.get(kind) or "").strip()]
    if len(kinds) != 1 or not (cells["frame"] or "").strip():
        raise DataError(f"{said}: expected a frame and either depth_mm or length_mm")
    numbers = [_number(said, name, cells) for name in PLACES[kinds[0]]]
    places = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    known = _number(said, kinds[0], cells, above_0=True)
    told = (cells.get("sd_mm") or "").strip()
    deviation = _number(said, "sd_mm", cells, above_0=True) / known if told else math.nan
    return Row(line, str(cells["frame"]).strip(), places, known, deviation)


def _number(said: str, name: str, cells: Mapping[str, str | None], above_0: bool = False) -> float:
    text = (cells.get(name) or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (above_0 and value <= 0):
        raise DataError(f"{said}: {name}={text!r} must be a number{' above 0' * above_0}")
    return value
