"""A data set whose depth is that of a source."""

from torch.utils.data import Dataset

from m3depth.sources.source import Source, require_metric
from m3depth.types import StereoBatch


class WithDepth(Dataset[StereoBatch]):
    """The frames of a data set; their ``depth_mm`` is what a source gives, at its resolution.

    Args:
        frames: The data set.
        source: Gives the depth, in place of what the data come with.
    """

    def __init__(self, frames: Dataset[StereoBatch], source: Source) -> None:
        self.frames, self.source = frames, source

    def __len__(self) -> int:
        return len(self.frames)  # type: ignore[arg-type]  # torch leaves __len__ to map-style sets

    def __getitem__(self, index: int) -> StereoBatch:
        """Raises `DataError` where the frame, or its depth, cannot be read."""
        sample = self.source.ahead(self.frames[index])
        found = self.source([sample])[0].on("cpu")
        require_metric(found, self.source)
        if found.camera is None:
            found = found.seen_by(sample["rig"])
        return {**sample, "depth_mm": found.depth_mm()[0].float()}
