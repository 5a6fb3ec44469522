"""A bounded number of a depth map's pixels, the same each time, as points in space."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from m3depth.geometry.points import back_project
from m3depth.types.camera import StereoRig

MOST = 50_000  # pixels of a frame that are carried into space


def some_pixels(counts: Bool[Tensor, "1 1 h w"]) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"]]:
    """The columns and rows of the pixels that count, of `MOST` at most.

    >>> some_pixels(torch.tensor([[[[True, False], [False, True]]]]))
    (tensor([0, 1]), tensor([0, 1]))
    """
    index = counts.flatten().nonzero()[:, 0]
    index = index[evenly(len(index), MOST)]
    width = counts.shape[-1]
    return index % width, index // width


def evenly(count: int, most: int) -> Int[Tensor, " n"]:
    """Places among ``count``, evenly spread; all of them where that is no more than ``most``.

    Not every k-th: where k divides the width, that would keep to a few columns of the picture.

    >>> evenly(3, 5), evenly(6, 4)
    (tensor([0, 1, 2]), tensor([0, 2, 3, 5]))
    """
    return torch.linspace(0, count - 1, min(count, most), dtype=torch.float64).round().long()


def points_at(
    depth_mm: Float[Tensor, "1 1 h w"],
    x: Int[Tensor, " n"],
    y: Int[Tensor, " n"],
    rig: StereoRig,
) -> Float[Tensor, "1 n 3"]:
    """The points that some pixels show, in the left camera's axes, float64."""
    depth = depth_mm[0, :, y, x].double()
    return back_project(x[None].double(), y[None].double(), depth, rig)
