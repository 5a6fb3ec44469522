"""Our own archives: as the frames of a clip, and as `m3depth check` sees them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from m3depth.priors.layouts.endonerf.foreign import ForeignScene
from m3depth.priors.layouts.files import listed
from m3depth.priors.layouts.frame import ReadFrame
from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.npz.archive import read_archive
from m3depth.priors.layouts.scene import PriorFrame, PriorScene, StatedCamera, spread
from m3depth.priors.layouts.stated import DEPTH
from m3depth.priors.sound import confidence_faults, depth_faults, scale_faults, stop_at


def npz_scene(folder: Path, frames: int, habits: Habits) -> PriorScene:
    """Our own ``priors/*.npz``; see `Target`."""
    files = listed(folder, "priors/*.npz")
    return PriorScene(
        folder=folder,
        files={"priors": files},
        load=lambda i: _archived(files[i]),
        sample=spread(len(files), frames),
        habits=habits,
        kind=DEPTH,
        poses=np.array([read_archive(path).camera_to_world for path in files]),
    )


def splat() -> Habits:
    """`m3depth splat`."""
    return Habits(name="m3depth splat")


def _archived(path: Path) -> PriorFrame:
    saved = read_archive(path)
    read = np.where(saved.valid, saved.depth_mm, 0).astype(np.float64)
    grey = 255 * saved.image.mean(2)
    return PriorFrame(
        name=path.name,
        image=grey,
        stored=saved.depth_mm,
        depth=read,
        mask=None,
        used=saved.use,
        confidence=saved.confidence,
        scale_deviation=saved.scale_deviation,
        camera=StatedCamera(saved.intrinsics, grey.shape),
    )


def read_npz(
    folder: Path, meta: Mapping[str, Any], foreign: ForeignScene, edited: Collection[str]
) -> list[ReadFrame]:
    """The frames of ``priors/*.npz``: see `NpzLayout`.

    Raises:
        DataError: a file that is none, or holds depth or confidence that cannot be.
    """
    return [_frame(path) for path in sorted((folder / "priors").glob("*.npz"))]


def _frame(path: Path) -> ReadFrame:
    saved = read_archive(path)
    depth_mm = torch.from_numpy(saved.depth_mm)
    stop_at(str(path), depth_faults(depth_mm))  # where it is not valid, too
    if saved.confidence is not None:
        stop_at(str(path), confidence_faults(torch.from_numpy(saved.confidence)))
    stop_at(str(path), scale_faults(saved.scale_deviation))
    return ReadFrame(
        key=path.stem,
        image=torch.from_numpy(saved.image).movedim(-1, 0).contiguous(),
        depth_mm=torch.where(torch.from_numpy(saved.valid), depth_mm, 0.0)[None],
        use=torch.from_numpy(saved.use)[None],
        intrinsics=torch.from_numpy(saved.intrinsics).float(),
        camera_to_world=torch.from_numpy(saved.camera_to_world).float(),
        scale_deviation=saved.scale_deviation,
    )
