"""The layout of writer=npz."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from m3depth.priors.archive import read_archive
from m3depth.splatting.scene.clip import Frame
from m3depth.splatting.scene.foreign import ForeignScene


def read_npz(folder: Path, meta: Mapping[str, Any], foreign: ForeignScene) -> list[Frame]:
    """The frames of ``priors/*.npz``: see `NpzWriter`.

    Raises:
        DataError: a file that is not as it was written.
    """
    return [_frame(path) for path in sorted((folder / "priors").glob("*.npz"))]


def _frame(path: Path) -> Frame:
    saved = read_archive(path)
    return Frame(
        key=path.stem,
        image=torch.from_numpy(saved.image).movedim(-1, 0).contiguous(),
        depth_mm=torch.from_numpy(np.where(saved.valid, saved.depth_mm, 0))[None],
        use=torch.from_numpy(saved.use)[None],
        intrinsics=torch.from_numpy(saved.intrinsics).float(),
        camera_to_world=torch.from_numpy(saved.camera_to_world).float(),
    )
