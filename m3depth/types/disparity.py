"""Disparity to depth and back, the one place that knows ``Z = b·f / d``."""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.types.camera import StereoRig

NEAREST_PARALLAX_PX = 1e-3  # below it a ray is taken as parallel: depth not known


def depth_from_disparity(
    disparity_px: Float[Tensor, "*b 1 h w"], rig: StereoRig
) -> Float[Tensor, "*b 1 h w"]:
    """Depth along z in millimetres, ``b·fx / (d - (cx - cx_right))`` (M3Depth, section 2.2).

    Convention: ``disparity_px = x_left - x_right`` in pixels of the rig's resolution, on the grid
    of either view (z is the same in both cameras). Depth 0 means "not known": no calibration, or
    a parallax that is not positive.
    """
    parallax = disparity_px - _per_pixel(rig.principal_offset)
    depth = _per_pixel(rig.fx * rig.baseline_mm) / parallax.clamp_min(NEAREST_PARALLAX_PX)
    return torch.where(parallax > NEAREST_PARALLAX_PX, depth, 0.0)


def disparity_from_depth(
    depth_mm: Float[Tensor, "*b 1 h w"], rig: StereoRig
) -> Float[Tensor, "*b 1 h w"]:
    """Disparity in pixels, the inverse of `depth_from_disparity`; 0 where depth is not known."""
    known = depth_mm > 0
    parallax = _per_pixel(rig.fx * rig.baseline_mm) / torch.where(known, depth_mm, 1.0)
    return torch.where(known, parallax + _per_pixel(rig.principal_offset), 0.0)


def _per_pixel(value: Float[Tensor, "*b"]) -> Float[Tensor, "*b 1 1 1"]:
    return value[..., None, None, None]
