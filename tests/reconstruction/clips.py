"""Small built-in clips of still tissue, and videos."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from torch.utils.data import Dataset

from m3depth.data.synthetic import SyntheticClip
from m3depth.errors import DataError
from m3depth.types import StereoBatch

SIZE = (48, 64)


@cache
def clip(frames: int = 8, zoom: bool = False) -> SyntheticClip:
    return SyntheticClip("test", 0, frames, SIZE, deforming=False, tools=False, zoom=zoom)


class Changed(Dataset[StereoBatch]):
    """A clip without some fields, or with frames that cannot be read."""

    def __init__(
        self,
        frames: Dataset[StereoBatch],
        without: tuple[str, ...] = (),
        broken: tuple[int, ...] = (),
    ) -> None:
        self.frames, self.without, self.broken = frames, without, broken
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> StereoBatch:
        self.asked.append(index)
        if index in self.broken:
            raise DataError(f"frame {index} is broken")
        return {k: v for k, v in self.frames[index].items() if k not in self.without}


def write_video(path: Path, frames: int = 8, rate: float = 10.0, size: tuple[int, int] = SIZE):
    """Of a picture that moves."""
    draw = np.random.default_rng(0)
    wide = cv2.resize(draw.integers(0, 255, (12, 40, 3), np.uint8), (size[1] * 3, size[0]))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, size[::-1])
    for place in range(frames):
        writer.write(np.ascontiguousarray(wide[:, 2 * place : 2 * place + size[1]]))
    writer.release()
    return path
