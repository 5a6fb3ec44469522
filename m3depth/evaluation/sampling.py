"""A bounded number of a depth map's pixels, the same each time, as points in space."""

import math

from jaxtyping import Bool, Float, Int
from torch import Tensor

from m3depth.geometry.camera import StereoRig
from m3depth.geometry.points import back_project

MOST = 50_000  # pixels of a frame that are carried into space


def some_pixels(counts: Bool[Tensor, "1 1 h w"]) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"]]:
    """The columns and rows of every k-th pixel that counts, `MOST` at most.

    >>> import torch
    >>> some_pixels(torch.tensor([[[[True, False], [False, True]]]]))
    (tensor([0, 1]), tensor([0, 1]))
    """
    index = counts.flatten().nonzero()[:, 0]
    index = index[:: math.ceil(len(index) / MOST) or 1]
    width = counts.shape[-1]
    return index % width, index // width


def points_at(
    depth_mm: Float[Tensor, "1 1 h w"],
    x: Int[Tensor, " n"],
    y: Int[Tensor, " n"],
    rig: StereoRig,
) -> Float[Tensor, "1 n 3"]:
    """The points that some pixels show, in the left camera's axes, float64."""
    depth = depth_mm[0, :, y, x].double()
    return back_project(x[None].double(), y[None].double(), depth, rig)
