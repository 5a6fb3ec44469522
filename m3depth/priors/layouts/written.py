"""A scene all of whose frames are written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from m3depth.priors.records import Record

Poses = Float[NDArray[np.floating], "n 4 4"]


@dataclass(frozen=True)
class WrittenScene:
    """What an export knows about its scene without a look at its files.

    Attributes:
        folder: Of the scene.
        records: Of the frames that are written, in order.
    """

    folder: Path
    records: Sequence[Record]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the first frame."""
        height, width = self.records[0]["camera"]["size"]
        return height, width

    @property
    def poses(self) -> Poses:
        """Camera-to-world, OpenCV's axes, millimetres of the data's own world."""
        return np.array([record["camera_to_world"] for record in self.records], np.float64)

    @property
    def names(self) -> list[str]:
        """The frames' file names without suffix."""
        return [record["name"] for record in self.records]

    @property
    def keys(self) -> list[str]:
        """The frames' names for people."""
        return [record["key"] for record in self.records]

    @property
    def without_depth(self) -> list[str]:
        """The keys of the frames that have no usable depth."""
        return [record["key"] for record in self.records if not record["bounds_mm"]]

    @property
    def bounds_mm(self) -> tuple[float, float]:
        """Nearest and farthest depth."""
        bounds = [record["bounds_mm"] for record in self.records if record["bounds_mm"]]
        return min(near for near, _ in bounds), max(far for _, far in bounds)
