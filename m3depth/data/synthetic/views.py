"""The pixels of both views as rays, and which of them the other view does not show."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.data.synthetic.march import HeightGrid, Rays, march
from m3depth.data.synthetic.tools import Tools, meet
from m3depth.geometry.points import pixel_grid
from m3depth.types import Pair
from m3depth.types.camera import StereoRig

HIDDEN_BY_MM = 0.4  # how far in front something must be to hide a point


class ViewPixels(NamedTuple):
    """The pixels of both views side by side: the left view's n, then the right view's n."""

    tangent: Float[Tensor, "b 2 n2"]  # x/z and y/z in the pixel's own camera
    rays: Rays
    other_eye: Float[Tensor, "b 3 n2"]  # where the other camera sits, in the world


def as_pair(values: Tensor, size: tuple[int, int]) -> Pair:
    """(b, c, 2·n) to a left and a right picture."""
    left, right = values.reshape(*values.shape[:2], 2, *size).unbind(2)
    return Pair(left, right)


def view_pixels(
    rig: StereoRig, camera_to_world: Float[Tensor, "b 4 4"], size: tuple[int, int]
) -> ViewPixels:
    """The rays of both cameras through the pixels' centres, in the world."""
    x, y, _ = pixel_grid(rig.fx.new_zeros(len(rig.fx), 1, *size))
    down = (y - rig.cy[:, None]) / rig.fy[:, None]
    across = [(x - cx[:, None]) / rig.fx[:, None] for cx in (rig.cx, rig.cx_right)]
    tangent = torch.stack([torch.cat(across, -1), torch.cat([down, down], -1)], dim=1)
    rotation, left = camera_to_world[:, :3, :3], camera_to_world[:, :3, 3:]
    right = left + rotation[:, :, :1] * rig.baseline_mm[:, None, None]
    eyes = [eye.expand(-1, -1, down.shape[1]) for eye in (left, right)]
    forward = torch.ones_like(tangent[:, :1])
    direction = rotation @ torch.cat([tangent, forward], dim=1)
    return ViewPixels(tangent, Rays(torch.cat(eyes, -1), direction), torch.cat(eyes[::-1], -1))


def occluded(
    views: ViewPixels,
    grid: HeightGrid,
    tools: Tools,
    point: Float[Tensor, "b 3 n2"],
    depth: Float[Tensor, "b n2"],
    rig: StereoRig,
    size: tuple[int, int],
) -> Bool[Tensor, "b n2"]:
    """Cast the other camera's ray to each point: does it leave the picture or meet something?"""
    # Both cameras look the same way, so a point has the same depth in both.
    back = Rays(views.other_eye, (point - views.other_eye) / depth[:, None])
    tissue_depth, met_tissue = march(grid, back)
    hidden = met_tissue & (tissue_depth < depth - HIDDEN_BY_MM)
    hidden |= meet(tools, back).depth_mm < depth - HIDDEN_BY_MM
    n = depth.shape[1] // 2
    shift = (rig.fx * rig.baseline_mm)[:, None] / depth
    offset = rig.principal_offset[:, None]
    x = torch.arange(size[1], device=depth.device, dtype=depth.dtype).repeat(size[0])
    in_other = torch.cat([x - shift[:, :n] - offset, x + shift[:, n:] + offset], dim=-1)
    return hidden | (in_other < 0) | (in_other > size[1] - 1)
