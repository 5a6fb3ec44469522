"""A camera that moves: poses, where a frame's pixels lie in another frame, the rebuilt frame."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from kornia.geometry.conversions import axis_angle_to_rotation_matrix
from torch import Tensor

from m3depth.geometry.points import back_project, pixel_grid, project
from m3depth.geometry.warp import look_up
from m3depth.types import StereoRig

NEAREST = 1e-3  # of the target's depth: what comes closer to the source camera is behind it
ROUNDING = 1e-3  # of a pixel: the image's own corner pixels lie inside it


class Landing(NamedTuple):
    """Where the pixels of a frame lie in another frame."""

    x: Float[Tensor, "b h w"]  # pixels of the other frame, integer centres
    y: Float[Tensor, "b h w"]
    points: Float[Tensor, "b 3 h w"]  # in the other camera's frame
    visible: Bool[Tensor, "b 1 h w"]  # in front of the other camera, and inside its image

    def look_up(self, source: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """What the other frame has there; the edge's value beyond its edge."""
        return look_up(source, self.x, self.y)

    def flow_px(self) -> Float[Tensor, "b 2 h w"]:
        """How far the pixels went, (x, y)."""
        height, width = self.x.shape[-2:]
        column = torch.arange(width, device=self.x.device, dtype=self.x.dtype)
        row = torch.arange(height, device=self.x.device, dtype=self.x.dtype)
        return torch.stack([self.x - column, self.y - row[:, None]], 1)


def pose(
    axis_angle: Float[Tensor, "b 3"], translation: Float[Tensor, "b 3"]
) -> Float[Tensor, "b 4 4"]:
    """``[R | t]``: a turn by ``|axis_angle|`` radian about its direction, then the translation.

    The gradient at no turn at all is finite. (The exponential map of SE(3) has another
    translation.)
    """
    rotation = axis_angle_to_rotation_matrix(axis_angle)
    return torch.cat([torch.cat([rotation, translation[..., None]], -1), _last_row(rotation)], 1)


def inverse(pose: Float[Tensor, "b 4 4"]) -> Float[Tensor, "b 4 4"]:
    """The rigid motion back: ``[Rᵀ | -Rᵀ t]``."""
    rotation = pose[:, :3, :3].mT
    translation = -rotation @ pose[:, :3, 3:]
    return torch.cat([torch.cat([rotation, translation], -1), _last_row(rotation)], 1)


def moved(points: Float[Tensor, "b n 3"], pose: Float[Tensor, "b 4 4"]) -> Float[Tensor, "b n 3"]:
    """Points in the frame that the pose maps into."""
    return points @ pose[:, :3, :3].mT + pose[:, None, :3, 3]


def landing(
    depth: Float[Tensor, "b 1 h w"],
    source_from_target: Float[Tensor, "b 4 4"],
    target: StereoRig,
    source: StereoRig,
) -> Landing:
    """Where the source frame has the points that the target frame's pixels show.

    Args:
        depth: of the target, along z, in the translation's unit; 0 = not known, and so not visible.
        source_from_target: points of the target's camera into the source's.
        target: its K, at the size of ``depth``.
        source: its K, likewise.
    """
    height, width = depth.shape[-2:]
    points = moved(back_project(*pixel_grid(depth), target), source_from_target)
    forward = points[..., 2]
    in_front = forward > NEAREST * depth.flatten(1)
    ahead = torch.where(in_front & (forward > 0), forward, 1.0)
    pixels = project(torch.cat([points[..., :2], ahead[..., None]], -1), source)
    x, y = (one.view(-1, height, width) for one in pixels.unbind(-1))
    inside = (x >= -ROUNDING) & (x <= width - 1 + ROUNDING)
    inside &= (y >= -ROUNDING) & (y <= height - 1 + ROUNDING)
    seen = inside & in_front.view_as(x) & (depth[:, 0] > 0)
    return Landing(x, y, points.mT.reshape(-1, 3, height, width), seen[:, None])


def rebuild(
    source_image: Float[Tensor, "b c h w"],
    depth: Float[Tensor, "b 1 h w"],
    source_from_target: Float[Tensor, "b 4 4"],
    target: StereoRig,
    source: StereoRig,
) -> tuple[Float[Tensor, "b c h w"], Bool[Tensor, "b 1 h w"]]:
    """The target frame made of the source's colours; differentiable in depth, motion and both K.

    Returns:
        The rebuilt image, and where the source camera may see the target's points: in front of it
        and inside its image (what another surface hides is not left out).
    """
    where = landing(depth, source_from_target, target, source)
    return where.look_up(source_image), where.visible


def _last_row(like: Tensor) -> Float[Tensor, "b 1 4"]:
    return like.new_tensor([[[0.0, 0, 0, 1]]]).expand(len(like), 1, 4)
