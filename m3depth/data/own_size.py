"""Pictures as large as they were taken, for what must not depend on the size they are read at."""

import copy
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


def at_own_size(pairs: Dataset[StereoBatch]) -> Dataset[StereoBatch]:
    """The same frames, not resized; a set that makes its frames at their size, as it is."""
    if isinstance(pairs, ConcatDataset):
        return ConcatDataset([at_own_size(part) for part in pairs.datasets])
    if isinstance(pairs, Subset):
        return Subset(at_own_size(pairs.dataset), pairs.indices)
    return pairs.at_own_size() if isinstance(pairs, ReadAtSize) else pairs
