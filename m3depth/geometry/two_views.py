"""What two views' optical flow says of a motion, whatever the depth."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.points import back_project, pixel_grid
from m3depth.types import StereoRig

SEEN_PX = 0.5  # a translation that moves a point at the triangulated depth by less tells no depth


def off_the_lines(
    flow_px: Float[Tensor, "b 2 h w"],
    trusted: Bool[Tensor, "b 1 h w"],
    other_from_here: Float[Tensor, "b 4 4"],
    here: StereoRig,
    other: StereoRig,
) -> Float[Tensor, " b"]:
    """Median Sampson distance of the trusted flow from the motion's epipolar lines, in pixels.

    With no translation there are no lines, only points: the distance from where the turn alone
    leads. NaN where no flow is trusted. (Hartley and Zisserman 2004, equation 11.9.)
    """
    ray, landed = _rays(flow_px, here, other)
    shift = other_from_here[:, :3, 3]
    length = shift.norm(dim=1, keepdim=True)
    turned = ray @ other_from_here[:, :3, :3].mT
    cross = torch.linalg.cross(shift[:, None].expand_as(turned), turned)  # the line, in rays
    back = torch.linalg.cross(landed, shift[:, None].expand_as(landed)) @ other_from_here[:, :3, :3]
    slope = torch.cat(
        [_per_pixel(cross[..., :2], other), _per_pixel(back[..., :2], here)], -1
    ).norm(dim=-1)
    distance = (landed * cross).sum(-1).abs() / slope.clamp_min(1e-12)
    off = landed[..., :2] - turned[..., :2] / turned[..., 2:]
    by_turn = (off * torch.stack([other.fx, other.fy], -1)[:, None]).norm(dim=-1)
    distance = torch.where(length > 0, distance, by_turn)
    return torch.where(trusted.flatten(1), distance, torch.nan).nanmedian(1).values


def triangulated(
    flow_px: Float[Tensor, "b 2 h w"],
    other_from_here: Float[Tensor, "b 4 4"],
    here: StereoRig,
    other: StereoRig,
) -> tuple[Float[Tensor, "b 1 h w"], Bool[Tensor, "b 1 h w"]]:
    """Inverse depth of here's pixels, in the translation's unit, and where the motion tells it.

    The least squares of ``landed × (R ray + w t) = 0`` over the two rows that hold ``landed``'s
    pixel; told where the translation moves the point by `SEEN_PX` or more. Negative: behind.
    """
    ray, landed = _rays(flow_px, here, other)
    turned, shift = ray @ other_from_here[:, :3, :3].mT, other_from_here[:, None, :3, 3]
    focal = torch.stack([other.fx, other.fy], -1)[:, None]
    by = (landed[..., :2] * shift[..., 2:] - shift[..., :2]) * focal
    off = (turned[..., :2] - landed[..., :2] * turned[..., 2:]) * focal
    square = by.square().sum(-1)
    inverse_depth = (by * off).sum(-1) / square.clamp_min(1e-12)
    told = square.sqrt() * inverse_depth.abs() > SEEN_PX
    shape = (len(flow_px), 1, *flow_px.shape[-2:])
    return inverse_depth.view(shape), told.view(shape)


def _rays(
    flow_px: Float[Tensor, "b 2 h w"], here: StereoRig, other: StereoRig
) -> tuple[Float[Tensor, "b n 3"], Float[Tensor, "b n 3"]]:
    """Each pixel's ray and that of where it went, at depth 1."""
    x, y, one = pixel_grid(flow_px[:, :1].detach() * 0 + 1)
    landed_x, landed_y = x + flow_px[:, 0].flatten(1), y + flow_px[:, 1].flatten(1)
    return back_project(x, y, one, here), back_project(landed_x, landed_y, one, other)


def _per_pixel(line: Float[Tensor, "b n 2"], camera: StereoRig) -> Float[Tensor, "b n 2"]:
    """A line's coefficients in rays to those in pixels."""
    return line / torch.stack([camera.fx, camera.fy], -1)[:, None]
