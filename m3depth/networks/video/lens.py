"""From raw numbers to intrinsics that can be: bounded, and without skew."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.types import StereoRig
from m3depth.validation import require_number


@dataclass(frozen=True)
class Bounds:
    """Where intrinsics may lie; all raw numbers 0 is the middle of every range.

    A focal length of ``shortest * longest = 1`` is as long as the image is wide, so 0 is a field
    of view of 53 degrees, near an endoscope's.

    Attributes:
        shortest: least focal length, share of the image's width.
        longest: greatest, likewise.
        aspect: fx / fy lies between 1 / aspect and aspect.
        centre: how far the principal point may be from the image's middle, share of the side.
    """

    shortest: float = 0.4
    longest: float = 2.5
    aspect: float = 1.25
    centre: float = 0.25

    def __post_init__(self) -> None:
        require_number("intrinsics.shortest", self.shortest, 0.01, 100)
        require_number("intrinsics.longest", self.longest, self.shortest, 100)
        require_number("intrinsics.aspect", self.aspect, 1, 4)
        require_number("intrinsics.centre", self.centre, 0, 0.5)

    def camera(self, raw: Float[Tensor, "*b 4"], size: tuple[int, int]) -> StereoRig:
        """Raw focal length, aspect, cx and cy to a camera without a baseline.

        The focal length moves on a logarithmic scale, and fx and fy together: they are nearly the
        same number, and what a motion tells of one it tells of both.

        Args:
            raw: any numbers.
            size: (height, width) of the images.
        """
        height, width = size
        focal, aspect, across, down = torch.sigmoid(raw.float()).unbind(-1)
        length = width * self.shortest * (self.longest / self.shortest) ** focal
        ratio = math.sqrt(self.aspect) ** (2 * aspect - 1)
        cx = (width - 1) / 2 + width * self.centre * (2 * across - 1)
        cy = (height - 1) / 2 + height * self.centre * (2 * down - 1)
        return StereoRig(length * ratio, length / ratio, cx, cy, cx, torch.zeros_like(cx))
