"""Rendered sets and depth maps on disk, found by what determines them."""

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from numpy.typing import NDArray

from m3depth.errors import DataError

RENDER_VERSION = 5  # raise it when the same arguments make other pictures

Arrays = dict[str, NDArray[np.generic]]
log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """``$M3DEPTH_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("M3DEPTH_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "m3depth"


def content_path(**content: object) -> Path:
    """The file of a rendered set; another argument or `RENDER_VERSION` makes another file."""
    said = repr(sorted({**content, "version": RENDER_VERSION}.items()))
    return cache_folder() / f"synthetic_{hashlib.sha256(said.encode()).hexdigest()[:24]}.npz"


def cached(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """What ``path`` holds; made and stored first when it is missing or damaged.

    Raises:
        DataError: The folder cannot be written.
    """
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as stored:
                return dict(stored.items())
        # Zip keeps a checksum of every array, so that a damaged file does not read as data.
        except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError) as error:
            log.warning("%s is damaged (%s); making it again", path, error)
    arrays = make()
    _store(path, arrays)
    return arrays


def _store(path: Path, arrays: Arrays) -> None:
    """Write beside the target and rename, so that nobody ever reads half a file."""
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            part = Path(file.name)
            np.savez(file, **arrays)  # type: ignore[arg-type]
        part.replace(path)
    except OSError as error:
        if part is not None:
            part.unlink(missing_ok=True)
        raise DataError(
            f"cannot store {path}: {error.strerror or error}; set M3DEPTH_CACHE to a folder with "
            "room, or for built-in scenes data.train.cache=false, and likewise val and test"
        ) from error
