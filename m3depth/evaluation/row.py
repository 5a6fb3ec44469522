"""The numbers of one frame."""

from collections.abc import Mapping
from typing import NamedTuple

PixelCounts = Mapping[str, int]  # see `counted.pixels`


class Row(NamedTuple):
    """The numbers of one frame; a metric that it does not support is not in them."""

    position: int  # in the data set
    key: str
    scores: Mapping[str, float]  # the metrics, `scale_ratio`, `valid_pixels`
    baselines: Mapping[str, Mapping[str, float]] = {}  # of each; never written to
    pixels: PixelCounts = {}  # noqa: RUF012  # of the truth; never written to
    fitted: bool = True  # False: the protocol's alignment was not to be found, see `Fit`

    @property
    def video(self) -> str:
        """What is before the key's last slash."""
        return self.key.rpartition("/")[0]

    @property
    def badness(self) -> float | None:
        """What frames are ranked by: the depth error in mm, else how unlike the rebuilt view is."""
        if "mae_mm" in self.scores:
            return self.scores["mae_mm"]
        return 1 - self.scores["ssim"] if "ssim" in self.scores else None
