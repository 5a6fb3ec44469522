"""A cloud of points as a depth map: splatted, and the nearest wins."""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.types.camera import StereoRig

STEEPEST = 4.0  # of one surface: its depth over its width, from one pixel to the next
REACH_PX = 0.75  # so far from a pixel, a point may hide what is behind it
FEWEST = 0.25  # of the weight that a point right on the pixel would have


def splat_depth(
    points_mm: Float[Tensor, "n 3"], rig: StereoRig, size: tuple[int, int]
) -> Float[Tensor, "1 {size[0]} {size[1]}"]:
    """The depth along z that the left camera sees at each pixel, 0 where no point lies about it.

    Every point reaches the four pixels around it, with bilinear weights. A pixel takes the mean
    inverse depth (planes stay planes) of the points that lie on the nearest surface there: those
    not deeper than the nearest by more than a slope of `STEEPEST`. Only points within `REACH_PX`
    choose that surface, so that an edge grows by no more than that. A pixel whose weights sum to
    less than `FEWEST` stays unknown: what is known grows by no more than `REACH_PX` at its border,
    and points of one surface that are up to 1.5 pixels apart leave no gap.

    Args:
        points_mm: in the rig's left camera, in front of it.
        rig: at ``size``.
        size: (height, width) in pixels.
    """
    height, width = size
    z = points_mm[:, 2]
    x = points_mm[:, 0] / z * rig.fx.item() + rig.cx.item()
    y = points_mm[:, 1] / z * rig.fy.item() + rig.cy.item()
    inside = (x > -1) & (x < width) & (y > -1) & (y < height)
    x, y, z = x[inside], y[inside], z[inside]
    corners = [_corner(x, y, right, down, size) for right in (0, 1) for down in (0, 1)]
    near = z.new_full((height * width,), torch.inf)
    far_and_near = near.clone()
    for place, weight, close in corners:
        far_and_near.scatter_reduce_(0, place, z.where(weight > 0, torch.inf), "amin")
        near.scatter_reduce_(0, place, z.where(close & (weight > 0), torch.inf), "amin")
    near = near.where(near < torch.inf, far_and_near)
    deepest = near * (1 + STEEPEST / rig.fx.item())
    total, inverse = torch.zeros_like(near), torch.zeros_like(near)
    for place, weight, _ in corners:
        counted = weight.where(z <= deepest[place], 0.0)
        total.scatter_add_(0, place, counted)
        inverse.scatter_add_(0, place, counted / z)
    depth_mm = torch.where(total >= FEWEST, total / inverse, 0.0)
    return depth_mm.view(1, height, width).float()


def _corner(
    x: Float[Tensor, "n"], y: Float[Tensor, "n"], right: int, down: int, size: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """One of the four pixels around each point: its place, the weight, whether it is close."""
    column, row = x.floor() + right, y.floor() + down
    away_x, away_y = (x - column).abs(), (y - row).abs()
    there = (column >= 0) & (column < size[1]) & (row >= 0) & (row < size[0])
    weight = ((1 - away_x) * (1 - away_y)).where(there, 0.0)
    place = (row.clamp(0, size[0] - 1) * size[1] + column.clamp(0, size[1] - 1)).long()
    return place, weight, (away_x <= REACH_PX) & (away_y <= REACH_PX)
