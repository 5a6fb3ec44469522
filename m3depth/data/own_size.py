"""Data sets whose frames can be read at any size, and where each frame lies."""

import copy
import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, Self, TypeVar

from torch.utils.data import ConcatDataset, Dataset, Subset

from m3depth.types import StereoBatch

Listed = TypeVar("Listed")


class ReadAtSize(Dataset[StereoBatch]):
    """A set whose pictures are resized to ``size``, (height, width), as they are read.

    Attributes:
        size: None keeps their own.
    """

    size: tuple[int, int] | None

    def at_own_size(self) -> Self:
        """The same frames in the same order, not resized."""
        own = copy.copy(self)
        own.size = None
        return own

    def places(self) -> list[str]:
        """Where each frame lies: what tells it from any other; empty where the set says nothing."""
        return []

    def singly(self) -> Dataset[StereoBatch]:
        """The single frames that clips are made of; the set itself where it gives single ones."""
        return self


class ListedFrames(ReadAtSize, Generic[Listed]):
    """A list of what is known of each frame, which is read when it is asked for.

    Args:
        frames: In temporal order within a video.
        size: (height, width) of the images given out and of the rig; None keeps their own.
        repeat: How often each frame comes up in one epoch.
    """

    def __init__(
        self, frames: Sequence[Listed], size: Sequence[int] | None, repeat: int = 1
    ) -> None:
        self.frames, self.repeat = frames, repeat
        self.size = None if size is None else (size[0], size[1])

    def __len__(self) -> int:
        return len(self.frames) * self.repeat

    def __getitem__(self, index: int) -> StereoBatch:
        """One frame; raises `DataError` when it is missing or unreadable."""
        if index >= len(self):
            raise IndexError(index)  # ends a plain `for` over the set
        return self._read(self.frames[index % len(self.frames)])

    def places(self) -> list[str]:
        """See `ReadAtSize`."""
        return [self._place(frame) for frame in self.frames] * self.repeat

    @abstractmethod
    def _read(self, frame: Listed) -> StereoBatch:
        """The frame's sample."""

    @abstractmethod
    def _place(self, frame: Listed) -> str:
        """Where it lies."""


def at_own_size(pairs: Dataset[StereoBatch]) -> Dataset[StereoBatch]:
    """The same frames, not resized; a set that makes its frames at their size, as it is."""
    if isinstance(pairs, ConcatDataset):
        return ConcatDataset([at_own_size(part) for part in pairs.datasets])
    if isinstance(pairs, Subset):
        return Subset(at_own_size(pairs.dataset), pairs.indices)
    return pairs.at_own_size() if isinstance(pairs, ReadAtSize) else pairs


def single_frames(pairs: Dataset[StereoBatch]) -> Dataset[StereoBatch]:
    """What clips are made of, for whatever looks at one frame at a time."""
    if isinstance(pairs, ConcatDataset):
        parts = [single_frames(part) for part in pairs.datasets]
        same = all(one is other for one, other in zip(parts, pairs.datasets, strict=True))
        return pairs if same else ConcatDataset(parts)
    return pairs.singly() if isinstance(pairs, ReadAtSize) else pairs


def frames_of(pairs: Dataset[StereoBatch]) -> list[str]:
    """Where each frame lies, in order; empty where a set does not say."""
    if isinstance(pairs, ConcatDataset):
        parts = [frames_of(part) for part in pairs.datasets]
        return [place for part in parts for place in part] if all(parts) else []
    if isinstance(pairs, Subset):
        inner = frames_of(pairs.dataset)
        if len(inner) != len(pairs.dataset):  # type: ignore[arg-type]  # clips have more, or it is
            return inner  # not known: rather too many frames than too few
        return [inner[index] for index in pairs.indices] if inner else []
    return pairs.places() if isinstance(pairs, ReadAtSize) else []


def marks(pairs: Dataset[StereoBatch]) -> list[str]:
    """A short mark of where each frame lies, for a record that need not tell the places."""
    return [hashlib.sha256(place.encode()).hexdigest()[:12] for place in frames_of(pairs)]
