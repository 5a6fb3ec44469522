"""Our own archives, as `m3depth splat` reads them."""

from pathlib import Path

import numpy as np

from m3depth.priors.layouts.files import listed
from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.npz.archive import read_archive
from m3depth.priors.layouts.scene import PriorFrame, PriorScene, StatedCamera, spread
from m3depth.priors.layouts.stated import DEPTH


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
        camera=StatedCamera(saved.intrinsics, grey.shape),
    )
