"""Goes through a data set, skips frames that cannot be read, and remembers them."""

import logging
from collections.abc import Iterator
from typing import TypedDict

from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.progress import progress
from m3depth.types import StereoBatch

log = logging.getLogger(__name__)


class Skipped(TypedDict):
    """A frame that could not be read."""

    frame: int  # its index in the data set: its key is not known
    why: str


class ReadableFrames:
    """The readable frames of a data set, with a progress bar on stderr.

    Attributes:
        skipped: The frames that raised a `DataError` on the way, each logged as a warning.
    """

    def __init__(self, dataset: Dataset[StereoBatch], what: str) -> None:
        self.dataset = dataset
        self.what = what
        self.skipped: list[Skipped] = []

    def __len__(self) -> int:
        return len(self.dataset)  # type: ignore[arg-type]  # torch leaves __len__ to map-style sets

    def __iter__(self) -> Iterator[tuple[int, StereoBatch]]:
        self.skipped.clear()
        for index in progress(range(len(self)), self.what):
            try:
                sample = self.dataset[index]
            except DataError as error:
                log.warning("%s: frame %d skipped: %s", self.what, index, error)
                self.skipped.append(Skipped(frame=index, why=str(error)))
            else:
                yield index, sample
