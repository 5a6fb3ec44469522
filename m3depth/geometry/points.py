"""Pixels with depth to points in the rig's common frame, and back."""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.types.camera import StereoRig


def back_project(
    x: Float[Tensor, "b n"], y: Float[Tensor, "b n"], depth_mm: Float[Tensor, "b n"], rig: StereoRig
) -> Float[Tensor, "b n 3"]:
    """``Z · K⁻¹ (x, y, 1)`` in millimetres, pixels of the left view (M3Depth, equation 4)."""
    right = (x - rig.cx[:, None]) / rig.fx[:, None] * depth_mm
    down = (y - rig.cy[:, None]) / rig.fy[:, None] * depth_mm
    return torch.stack([right, down, depth_mm], dim=-1)


def project(points: Float[Tensor, "b n 3"], rig: StereoRig) -> Float[Tensor, "b n 2"]:
    """Points in front of the left camera to its pixels (x, y)."""
    right, down, forward = points.unbind(-1)
    x = right / forward * rig.fx[:, None] + rig.cx[:, None]
    y = down / forward * rig.fy[:, None] + rig.cy[:, None]
    return torch.stack([x, y], dim=-1)


def pixel_grid(depth_mm: Float[Tensor, "b 1 h w"]) -> tuple[Tensor, Tensor, Tensor]:
    """``x``, ``y`` and depth of every pixel, each of shape (b, h·w), for `back_project`."""
    height, width = depth_mm.shape[-2:]
    y, x = torch.meshgrid(
        torch.arange(height, dtype=depth_mm.dtype, device=depth_mm.device),
        torch.arange(width, dtype=depth_mm.dtype, device=depth_mm.device),
        indexing="ij",
    )
    depth = depth_mm.flatten(1)
    return x.flatten().expand_as(depth), y.flatten().expand_as(depth), depth
