"""Files of torch.save, which may be a stranger's, damaged, or something else altogether."""

import io
import pickle
import re
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

from m3depth.errors import UserError
from m3depth.io.files import write_bytes

# What torch.load and the unpickler below it raise on bytes that are no checkpoint
UNREADABLE = (
    *(pickle.UnpicklingError, RuntimeError, EOFError, OSError, LookupError, ValueError),
    *(AttributeError, TypeError, OverflowError, struct.error, MemoryError, zipfile.BadZipFile),
)
FORBIDDEN = "Unsupported global: GLOBAL "  # the words of torch's own unpickler


def read_torch_file(path: Path, what: str) -> Any:
    """The tensors and plain containers in a file; nothing in it is run.

    Args:
        path: Of the file.
        what: What the user gave, as the line about it begins.

    Raises:
        UserError: there is no such file, or it is damaged or holds more than that.
    """
    import torch

    if path.is_dir():
        best = path / "checkpoints/best.ckpt"
        raise UserError(f"{what}: is a folder" + (f"; give {best}" if best.is_file() else ""))
    if not path.is_file():
        raise UserError(f"{what}: no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle's versions
            return torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        raise UserError(f"{what}: cannot be read: {_why(path, error)}") from error


def write_torch_file(path: Path, content: Any) -> None:
    """Tensors and plain containers to a file that is there whole or not at all."""
    import torch

    data = io.BytesIO()
    torch.save(content, data)
    write_bytes(path, data.getbuffer())


def _why(path: Path, error: BaseException) -> str:
    """In words of ours: torch's advise to load it with code and all."""
    if isinstance(error, OSError) and not isinstance(error, EOFError) and error.filename:
        return str(error.strerror)
    if path.stat().st_size == 0:
        return "the file is empty"
    called = re.search(rf"{FORBIDDEN}([\w.]+) ", str(error))
    if called:
        return f"it holds {called[1]}, which could run code, and not tensors alone"
    with path.open("rb") as file:
        archive = file.read(4) == b"PK\x03\x04"
    if archive:
        return "it is cut short or damaged; copy or train it again"
    return "it is damaged, or nothing that torch.save wrote"
