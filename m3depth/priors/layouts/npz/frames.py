"""Our own archives as the frames of a clip."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from m3depth.priors.layouts.endonerf.foreign import ForeignScene
from m3depth.priors.layouts.frame import ReadFrame
from m3depth.priors.layouts.npz.archive import read_archive
from m3depth.priors.sound import confidence_faults, depth_faults, stop_at


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
    return ReadFrame(
        key=path.stem,
        image=torch.from_numpy(saved.image).movedim(-1, 0).contiguous(),
        depth_mm=torch.where(torch.from_numpy(saved.valid), depth_mm, 0.0)[None],
        use=torch.from_numpy(saved.use)[None],
        intrinsics=torch.from_numpy(saved.intrinsics).float(),
        camera_to_world=torch.from_numpy(saved.camera_to_world).float(),
    )
