"""The calibrated stereo rig: the one place where intrinsics follow a resize, a crop or a mirror."""

from typing import NamedTuple, Self

import torch
from jaxtyping import Float
from torch import Tensor

ASPECT_TOLERANCE = 0.01  # a rounded resize passes, a crop does not


class StereoRig(NamedTuple):
    """A rectified pair of pinhole cameras, at the resolution of the images beside it.

    Every field has the batch's shape ``*b``: none for one sample, ``b`` once collated.

    Convention: pixel centres are integers, the top left one is (0, 0); camera axes are x right,
    y down, z forward; the right camera sits at ``x = +baseline_mm`` in the left camera's frame.
    ``baseline_mm = 0`` says "not calibrated": every depth is then 0, which reads "not known".
    """

    fx: Float[Tensor, "*b"]  # pixels, the same in both views (rectified)
    fy: Float[Tensor, "*b"]  # pixels
    cx: Float[Tensor, "*b"]  # pixels, left view
    cy: Float[Tensor, "*b"]  # pixels, the same in both views (rectified)
    cx_right: Float[Tensor, "*b"]  # pixels, right view
    baseline_mm: Float[Tensor, "*b"]

    @classmethod
    def of(
        cls, fx: float, fy: float, cx: float, cy: float, cx_right: float, baseline_mm: float
    ) -> Self:
        """One rig from plain numbers."""
        return cls(*(torch.tensor(float(v)) for v in (fx, fy, cx, cy, cx_right, baseline_mm)))

    @classmethod
    def uncalibrated(cls, width: int, height: int) -> Self:
        """A stand-in for images without a calibration: it yields disparity, never millimetres."""
        cx, cy = (width - 1) / 2, (height - 1) / 2
        return cls.of(float(width), float(width), cx, cy, cx, 0.0)

    @classmethod
    def monocular(cls, fx: float, fy: float, cx: float, cy: float) -> Self:
        """A camera without a second one: it has a K and no baseline."""
        return cls.of(fx, fy, cx, cy, cx, 0.0)

    @property
    def calibrated(self) -> Tensor:
        """Whether disparity tells depth in millimetres, bool of shape ``*b``."""
        return self.baseline_mm > 0

    def stands_in(self, width: int) -> Tensor:
        """Whether it is `uncalibrated`'s, beside images of this width; bool of shape ``*b``."""
        made_up = (self.fx == width) & (self.cx == (width - 1) / 2) & (self.cx_right == self.cx)
        return made_up & ~self.calibrated

    @property
    def principal_offset(self) -> Float[Tensor, "*b"]:
        """``cx - cx_right`` in pixels: the disparity of a point at infinity."""
        return self.cx - self.cx_right

    def matrix(self) -> Float[Tensor, "*b 3 3"]:
        """The left camera's K."""
        zero, one = torch.zeros_like(self.fx), torch.ones_like(self.fx)
        rows = (self.fx, zero, self.cx), (zero, self.fy, self.cy), (zero, zero, one)
        return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)

    def resized(self, old: tuple[int, int], new: tuple[int, int]) -> Self:
        """The rig after the images went from ``old`` to ``new``, both (height, width).

        The image's *edges* stay in place, so a centre moves as ``c' = (c + 0.5)·s - 0.5``.
        """
        sy, sx = new[0] / old[0], new[1] / old[1]
        return self._replace(
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            cx_right=(self.cx_right + 0.5) * sx - 0.5,
        )

    def cropped(self, left: int, top: int) -> Self:
        """The rig after ``left`` columns and ``top`` rows were cut from both images."""
        return self._replace(cx=self.cx - left, cy=self.cy - top, cx_right=self.cx_right - left)

    def mirrored(self, width: int) -> Self:
        """The rig after both images were mirrored and *swapped*, which keeps disparity positive.

        The mirrored right image becomes the left one, so ``cx' = W - 1 - cx_right`` and back.
        """
        return self._replace(cx=width - 1 - self.cx_right, cx_right=width - 1 - self.cx)


def same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether images of both sizes, (height, width), can be one picture resized, not cropped.

    >>> same_shape((1024, 1280), (256, 320)), same_shape((1024, 1280), (256, 256))
    (True, False)
    """
    return abs(one[1] * other[0] / (one[0] * other[1]) - 1) <= ASPECT_TOLERANCE
