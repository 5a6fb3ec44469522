"""Data sets whose frames can be read at any size, and where each frame lies."""

import copy
import hashlib
from typing import Self

from torch.utils.data import ConcatDataset, Dataset, Subset

from m3depth.types import StereoBatch


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


def at_own_size(pairs: Dataset[StereoBatch]) -> Dataset[StereoBatch]:
    """The same frames, not resized; a set that makes its frames at their size, as it is."""
    if isinstance(pairs, ConcatDataset):
        return ConcatDataset([at_own_size(part) for part in pairs.datasets])
    if isinstance(pairs, Subset):
        return Subset(at_own_size(pairs.dataset), pairs.indices)
    return pairs.at_own_size() if isinstance(pairs, ReadAtSize) else pairs


def frames_of(pairs: Dataset[StereoBatch]) -> list[str]:
    """Where each frame lies, in order; empty where a set does not say."""
    if isinstance(pairs, ConcatDataset):
        parts = [frames_of(part) for part in pairs.datasets]
        return [place for part in parts for place in part] if all(parts) else []
    if isinstance(pairs, Subset):
        inner = frames_of(pairs.dataset)
        return [inner[index] for index in pairs.indices] if inner else []
    return pairs.places() if isinstance(pairs, ReadAtSize) else []


def marks(pairs: Dataset[StereoBatch]) -> list[str]:
    """A short mark of where each frame lies, for a record that need not tell the places."""
    return [hashlib.sha256(place.encode()).hexdigest()[:12] for place in frames_of(pairs)]
