"""Files that are there whole or not at all, whenever the process dies."""

import contextlib
import csv
import io
import json
import os
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from m3depth.errors import UserError
from m3depth.outputs.claim import writing

Array = npt.NDArray[Any]
META = "depth_meta.json"  # what an export's numbers mean; written last of all


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write ``data``, making the folder if need be.

    Raises:
        UserError: no space, no permission: the line names the folder; in a run's output, a file
            that is not the run's own.
    """
    writing(path)
    # Hidden, so that no reader's glob takes a half-written file for a frame
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        reason = f"cannot write {path.name} ({error.strerror})"
        raise UserError(f"{path.parent}: {reason}; free some space or set output=DIR") from None


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    write_bytes(path, text.encode())


def write_png(path: Path, pixels: Array) -> None:
    """Write grey, RGB or RGBA pixels of 8 or 16 bits; the same pixels make the same bytes."""
    write_bytes(path, _png(pixels))


def write_npy(path: Path, values: Array) -> None:
    """Write one array."""
    write_bytes(path, _npy(values))


def write_npz(path: Path, **arrays: Array) -> None:
    """Write named arrays."""
    write_bytes(path, _npz(arrays))


def write_json(path: Path, content: object) -> None:
    """Write plain containers, keys sorted; NaN is refused, as JSON has none."""
    write_bytes(path, _json(content))


def write_csv(path: Path, rows: Collection[Mapping[str, object]]) -> None:
    """Write a table: a column for every name, blank where a row has nothing by it."""
    text = io.StringIO()
    columns = dict.fromkeys(name for row in rows for name in row)
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_text(path, text.getvalue())


def write_as_named(path: Path, content: Any) -> int:
    """Write what belongs into a file of this suffix: pixels, an array, named ones, containers.

    Any other suffix takes bytes.

    Returns:
        The CRC-32 of the file, to tell later whether it is still the same.
    """
    data = _BYTES[path.suffix](content) if path.suffix in _BYTES else content
    write_bytes(path, data)
    return zlib.crc32(data)


def checksum(path: Path) -> int:
    """The CRC-32 of a file; a `UserError` where it cannot be read."""
    try:
        return zlib.crc32(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _png(pixels: Array) -> memoryview:
    import cv2

    codes = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    ordered = cv2.cvtColor(pixels, codes[channels]) if channels in codes else pixels
    return cv2.imencode(".png", ordered)[1].data


def _npy(values: Array) -> memoryview:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getbuffer()


def _npz(content: Mapping[str, Array]) -> memoryview:
    # Not compressed: a depth map shrinks by a fifth, and that would take most of the time
    buffer = io.BytesIO()
    np.savez(buffer, **content)  # type: ignore[arg-type]
    return buffer.getbuffer()


def _json(content: object) -> bytes:
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False)
    return (text + "\n").encode()


_BYTES: Mapping[str, Callable[[Any], bytes | memoryview]] = {
    ".json": _json,
    ".npy": _npy,
    ".npz": _npz,
    ".png": _png,
}
