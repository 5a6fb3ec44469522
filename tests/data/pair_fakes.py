"""A data set of which any frame may be unreadable."""

import torch
from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig


class Numbered(Dataset[StereoBatch]):
    """Frame i is all i/100; frames in ``broken`` cannot be read."""

    def __init__(self, count: int, broken: frozenset[int] = frozenset()) -> None:
        self.count, self.broken = count, broken

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> StereoBatch:
        if index in self.broken:
            raise DataError(f"left/{index}.png: truncated")
        image = torch.full((3, 4, 6), index / 100)
        return StereoBatch(
            left=image,
            right=image,
            rig=StereoRig.of(6.0, 6.0, 2.5, 1.5, 2.5, 5.0),
            key=f"pair/{index}",
            depth_mm=torch.ones(1, 4, 6),
            mask=torch.ones(1, 4, 6, dtype=torch.bool),
            tool=torch.zeros(1, 4, 6, dtype=torch.bool),
        )
