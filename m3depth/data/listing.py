"""What lies in a folder, and in which order."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from m3depth.errors import DataError


def natural_order(name: str) -> list[int | str]:
    """A sort key that puts ``frame10`` after ``frame9``."""
    parts = re.split(r"(\d+)", name)  # text and digits in turn, text first
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def files_by_name(folder: Path, suffixes: Sequence[str], required: bool = True) -> dict[str, Path]:
    """The files of a folder by their names without suffix, in natural order.

    Raises:
        DataError: no folder or no file where one is required; two files of one name.
    """
    if not folder.is_dir():
        if not required:
            return {}
        missing = folder if folder.parent.is_dir() else folder.parent
        raise DataError(f"{missing}: no such folder; a set of pairs has ROOT/left and ROOT/right")
    files = (path for path in folder.iterdir() if not path.name.startswith("."))
    paths = [path for path in files if path.suffix.lower() in suffixes]
    counts = Counter(path.stem for path in paths)
    refuse(sorted(n for n in counts if counts[n] > 1), folder, "several files of one name")
    if required and not paths:
        raise DataError(f"{folder}: empty; expected images ({' '.join(suffixes)})")
    return {path.stem: path for path in sorted(paths, key=lambda p: natural_order(p.stem))}


def refuse(names: Sequence[str], where: Path, what: str) -> None:
    """Raise a `DataError` that lists what should not be; silent when nothing is listed."""
    if names:
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise DataError(f"{where}: {what}: {shown} ({len(names)}); add the files or remove them")
