"""A frame as the survey of its video looks at it: small and grey, and what is wrong with it."""

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from m3depth.errors import DataError
from m3depth.imaging.bytes import to_bytes
from m3depth.progress import progress
from m3depth.types import StereoBatch

Grey = npt.NDArray[np.uint8]
WIDTH = 128  # of the small pictures
DARK = 16  # grey levels of 255: nothing can be seen there
SEEN_SHARE = 0.02  # a picture with less that is brighter than `DARK` is black
COMBED = 1.1  # how far two lines differ, over how far a line and the next but one do
CHUNK = 32  # frames that one process reads in order, as a video is decoded


class Look(NamedTuple):
    """What is kept of a frame."""

    key: str
    views: Grey  # (v, h, w): the left view and, if there is one, the right
    size: tuple[int, int]  # of the picture itself
    combed: bool  # its odd and even lines are of two moments
    print: int  # checksum of the whole picture: equal ones are the same picture

    @property
    def black(self) -> bool:
        """Nothing is to be seen."""
        return float((self.views[0] > DARK).mean()) < SEEN_SHARE


class Unread(NamedTuple):
    """A frame that cannot be read, and why."""

    key: str
    why: str


def looks(frames: Dataset[StereoBatch], workers: int) -> Iterator[Look | Unread]:
    """Every frame in order; with ``workers``, read by so many processes."""
    count = len(frames)  # type: ignore[arg-type]
    loader: DataLoader[Any] = DataLoader(
        _Looks(frames), batch_size=CHUNK, num_workers=workers, collate_fn=_as_it_is
    )
    each = (look for chunk in loader for look in chunk)
    return iter(progress(each, "looking for neighbours", count))


class _Looks(Dataset[Look | Unread]):
    def __init__(self, frames: Dataset[StereoBatch]) -> None:
        self.frames = frames

    def __len__(self) -> int:
        return len(self.frames)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Look | Unread:
        try:
            sample = self.frames[index]
        except DataError as error:
            return Unread(f"frame {index}", str(error))
        return look_at(sample)


def look_at(sample: StereoBatch) -> Look:
    """A sample as it is looked at."""
    views = [sample["left"], sample["right"]] if "right" in sample else [sample["left"]]
    height, width = sample["left"].shape[-2:]
    grey = torch.stack(views).mean(1)
    return Look(
        key=str(sample["key"]),
        views=_small(grey),
        size=(height, width),
        combed=_combed(grey[0]),
        print=zlib.crc32(to_bytes(sample["left"]).numpy().tobytes()),
    )


def _small(grey: Tensor) -> Grey:
    """Of the picture's shape, never enlarged."""
    height, width = grey.shape[-2:]
    across = min(WIDTH, width)
    small = functional.interpolate(
        grey[:, None], (round(height * across / width), across), mode="area"
    )
    return (small[:, 0] * 255).round().clamp(0, 255).to(torch.uint8).numpy()


def _combed(grey: Tensor) -> bool:
    """Whether a line differs more from the next than from the next but one, which lies further."""
    near = (grey[1:-1] - grey[2:]).abs().mean() * 255
    far = (grey[:-2] - grey[2:]).abs().mean() * 255
    return bool(near > 0.5) and bool(near > COMBED * far)


def _as_it_is(chunk: Any) -> Any:
    return chunk
