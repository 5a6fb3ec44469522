"""The 3D term: the clouds that the two disparity maps span should be one cloud."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from m3depth.geometry.camera import StereoRig
from m3depth.geometry.disparity import depth_from_disparity
from m3depth.geometry.points import back_project, back_project_right
from m3depth.geometry.registration import Registration, icp
from m3depth.types import Pair


def point_consistency(
    disparity: Pair, visible: Pair, rig: StereoRig, samples: int = 1000, iterations: int = 20
) -> Registration:
    """Residual after ICP between the clouds of both views, in millimetres (M3Depth, L_gc^3D).

    ``samples`` pixels are drawn at random from each view's visible region *first*; only those
    get a depth ``b·f/d`` and are back-projected with K, both into the left camera's frame, so
    that ICP starts at the rig's own transform. Computed in float32 or better, whatever autocast
    says: distances of tenths of a millimetre at depths of 100 mm need the digits.

    Args:
        disparity: both views, fraction of the width, (b, 1, h, w).
        visible: False in the blind region, which no point is drawn from.
        rig: at the resolution of ``disparity``.
        samples: points per cloud.
        iterations: ICP's bound.

    Returns:
        One residual a sample. Samples with fewer than 3 usable points, or without calibration,
        are left out: residual 0, gradient 0, ``registered`` False.
    """
    with torch.autocast(disparity.left.device.type, enabled=False):
        left, left_valid = _cloud(disparity.left, visible.left, rig, samples, back_project)
        right, right_valid = _cloud(
            disparity.right, visible.right, rig, samples, back_project_right
        )
        return icp(left, right, left_valid, right_valid, iterations)


def draw_pixels(
    visible: Bool[Tensor, "b 1 h w"], samples: int
) -> tuple[Int[Tensor, "b n"], Bool[Tensor, "b n"]]:
    """Flat indices of random visible pixels, with replacement, and whether they are usable.

    Every visible pixel of a sample is as likely as any other; a sample that sees nothing gets
    index 0, marked not usable.
    """
    rank_of_pixel = visible.flatten(1).cumsum(-1)
    count = rank_of_pixel[:, -1:]
    draw = torch.rand(len(visible), samples, device=visible.device)
    rank = (draw * count).long().clamp_max((count - 1).clamp_min(0)) + 1
    index = torch.searchsorted(rank_of_pixel, rank).clamp_max(rank_of_pixel.shape[-1] - 1)
    return index, (count > 0).expand_as(index)


def _cloud(
    disparity: Float[Tensor, "b 1 h w"],
    visible: Bool[Tensor, "b 1 h w"],
    rig: StereoRig,
    samples: int,
    to_points: Callable[[Tensor, Tensor, Tensor, StereoRig], Tensor],
) -> tuple[Float[Tensor, "b n 3"], Bool[Tensor, "b n"]]:
    width = disparity.shape[-1]
    index, usable = draw_pixels(visible, samples)
    fraction = disparity.flatten(1).gather(1, index)
    if fraction.dtype in (torch.float16, torch.bfloat16):
        fraction = fraction.float()
    depth_mm = depth_from_disparity(width * fraction[:, None, None], rig)[:, 0, 0]
    points = to_points((index % width).to(fraction), (index // width).to(fraction), depth_mm, rig)
    return points, usable & (depth_mm > 0)
