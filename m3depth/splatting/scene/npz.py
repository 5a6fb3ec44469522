"""The layout of writer=npz."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from m3depth.errors import DataError
from m3depth.splatting.scene.clip import Frame
from m3depth.splatting.scene.foreign import ForeignScene

ARRAYS = ("image", "depth_mm", "valid", "intrinsics", "camera_to_world")


def read_npz(folder: Path, meta: Mapping[str, Any], foreign: ForeignScene) -> list[Frame]:
    """The frames of ``priors/*.npz``: see `NpzWriter`.

    Raises:
        DataError: a file that cannot be read, or lacks an array.
    """
    return [_frame(path) for path in sorted((folder / "priors").glob("*.npz"))]


def _frame(path: Path) -> Frame:
    arrays = _arrays(path)
    valid = torch.from_numpy(arrays["valid"])[None]
    image = torch.from_numpy(arrays["image"])
    colours = image.float() / 255 if image.dtype == torch.uint8 else image.float()
    depth_mm = torch.from_numpy(arrays["depth_mm"]).float()[None]
    return Frame(
        key=path.stem,
        image=colours.movedim(-1, 0).contiguous(),
        depth_mm=torch.where(valid, depth_mm, 0.0),
        use=torch.from_numpy(arrays["use"])[None] if "use" in arrays else valid,
        intrinsics=_matrix(arrays["intrinsics"]),
        camera_to_world=_matrix(arrays["camera_to_world"]),
    )


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path) as saved:
            arrays = dict(saved)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a whole .npz ({error}); export the scene again") from None
    lacking = [name for name in ARRAYS if name not in arrays]
    if lacking:
        raise DataError(f"{path}: without {', '.join(lacking)}; export the scene again")
    return arrays


def _matrix(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(values).float()
