"""Our lossless archives, as `m3depth check` reads them."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from m3depth.check.prior.scene import PriorFrame
from m3depth.errors import DataError

NAMES = ("image", "depth_mm", "confidence", "valid", "intrinsics", "camera_to_world")


def archive_frame(path: Path) -> PriorFrame:
    """One frame.

    Raises:
        DataError: the file is truncated or lacks an array.
    """
    saved = _load(path)
    depth_mm, valid = saved["depth_mm"], saved["valid"].astype(bool)
    grey = saved["image"].mean(axis=2)
    return PriorFrame(path.name, grey, depth_mm, depth_mm.astype(np.float64), None, valid)


def archive_pose(path: Path) -> NDArray[np.float64]:
    """Camera-to-world of one frame."""
    pose: NDArray[np.float64] = _load(path)["camera_to_world"].astype(np.float64)
    return pose


def _load(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as saved:
            return {name: saved[name] for name in NAMES}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: not a whole prior ({error}); take it away and export again"
        ) from None
