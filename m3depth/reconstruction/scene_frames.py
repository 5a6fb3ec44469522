"""A reconstructed scene as a data set."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.images import resize_image
from m3depth.priors.layouts.npz.archive import read_archive
from m3depth.priors.records import require_whole
from m3depth.reconstruction.surface import archives, known
from m3depth.types import StereoBatch, StereoRig
from m3depth.validation import require_size


class SceneFrames(Dataset[StereoBatch]):
    """The frames of a scene of ``m3depth reconstruct``, or of ``export`` with writer=npz.

    Their ``depth_mm`` is the scene's own, so that ``source=exact`` exports it in another layout.

    Args:
        root: The scene.
        size: (height, width) that images and K are resized to, not the depth; None keeps their own.

    Raises:
        DataError: no such scene, or one that is half written.
    """

    def __init__(self, root: str | Path, size: Sequence[int] | None = None) -> None:
        folder = Path(root)
        self.size = None if size is None else require_size("data.size", size)
        self.paths = archives(folder)
        if not self.paths:
            raise DataError(f"{folder}: no scene: expected priors/*.npz, of m3depth reconstruct")
        require_whole(folder)
        self.name = folder.resolve().name

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> StereoBatch:
        """One frame; raises DataError where it is damaged."""
        path = self.paths[index]
        frame = read_archive(path)
        left = torch.from_numpy(frame.image).movedim(-1, 0).contiguous()
        native = size_of(left)
        size = self.size or native
        K = frame.intrinsics
        rig = StereoRig.monocular(*(float(K[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2))))
        return StereoBatch(
            left=resize_image(left, size),
            rig=rig.resized(native, size),
            key=f"{self.name}/{path.stem}",
            depth_mm=torch.from_numpy(np.ascontiguousarray(known(frame)))[None],
            mask=torch.from_numpy(frame.use)[None],
            camera_to_world=torch.from_numpy(frame.camera_to_world).float(),
        )
