"""A long run outlives one unreadable frame."""

from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.types import StereoBatch


class SkipUnreadable(Dataset[StereoBatch]):
    """Gives the next readable frame in place of an unreadable one, and says so.

    A sample's ``skipped`` holds a line for every frame passed over on the way to it, or "". It
    travels with the batch, because a loader's worker cannot tell the main process otherwise; the
    callback `ReportSkipped` counts and reports.
    """

    def __init__(self, pairs: Dataset[StereoBatch]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> StereoBatch:
        """The frame at ``index``, or the first readable one after it, round the end."""
        skipped: list[str] = []
        for step in range(len(self)):
            try:
                sample = self.pairs[(index + step) % len(self)]
            except DataError as error:
                skipped.append(str(error))
                continue
            sample["skipped"] = "\n".join(skipped)
            return sample
        raise DataError(f"not one of {len(self)} frames can be read; the first: {skipped[0]}")
