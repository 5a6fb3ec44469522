"""Which pixels of a frame a protocol looks at, beside its range of depths.

Each is called with the `Truth` and gives True for the pixels to keep.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from m3depth.errors import DataError
from m3depth.evaluation.truth import Truth
from m3depth.geometry.resizing import size_of

KeepPixels = Callable[[Truth], Bool[Tensor, "1 1 H W"]]

HIDDEN_PX = 1.0  # a point that much nearer, in disparity, hides one behind it


@dataclass(frozen=True)
class Crop:
    """A crop, in pixels of the truth: rows ``top .. bottom - 1``, columns ``left .. right - 1``.

    Attributes:
        top: The first row.
        bottom: The row after the last.
        left: The first column.
        right: The column after the last.
        keys: A regular expression; only frames whose key it is found in are cropped.
    """

    top: int
    bottom: int
    left: int
    right: int
    keys: str = ""

    def __call__(self, truth: Truth) -> Bool[Tensor, "1 1 H W"]:
        """The box; everything for a frame that is not to be cropped.

        Raises:
            DataError: The truth is too small: the crop is for another resolution.
        """
        if not re.search(self.keys, truth.key):
            return torch.ones_like(truth.counts)
        height, width = size_of(truth.depth_mm)
        if self.bottom > height or self.right > width:
            raise DataError(
                f"frame {truth.key}: its true depth is {width}x{height}, but the protocol's crop "
                f"ends at {self.right}x{self.bottom}; evaluate on the truth as it was released"
            )
        inside = torch.zeros_like(truth.counts)
        inside[..., self.top : self.bottom, self.left : self.right] = True
        return inside


def visible(truth: Truth) -> Bool[Tensor, "1 1 H W"]:
    """The pixels that the right view sees too: as the data set says, else by the true disparity.

    By the disparity: the point falls into the right image, and no known point of its row falls on
    the same pixel there with a disparity larger by more than 1 px.
    """
    if truth.occluded is not None:
        return ~truth.occluded
    disparity_px = truth.disparity_px
    width = disparity_px.shape[-1]
    known = truth.depth_mm > 0
    place = torch.arange(width, device=disparity_px.device) - disparity_px
    inside = known & (place >= 0) & (place <= width - 1)
    column = place.round().long().clamp(0, width - 1)
    front = torch.full_like(disparity_px, -torch.inf).scatter_reduce(
        -1, column, torch.where(inside, disparity_px, -torch.inf), "amax"
    )
    return inside & (front.gather(-1, column) <= disparity_px + HIDDEN_PX)
