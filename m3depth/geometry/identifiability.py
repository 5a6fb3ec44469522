"""How well a video tells its camera's K: from the curvature of the reprojection error."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.motion import moved
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.types import StereoRig

# An optical flow's errors are no noise that pixels average out: shading moves with the lamp, and
# neighbours share it. On built-in clips K is as far off as if an image were so many independent
# observations, a sixteenth of what patches of 8 px would promise.
OBSERVATIONS = 3.0
WEAK = 1e-9  # a depth that nothing tells: of the largest curvature, added to a depth's own
UNKNOWN = 10.0  # times the image's width, or the focal length: no information at all
LEAST_KNOWN = 0.1  # share: a focal length less sure than this is not known


class Uncertainty(NamedTuple):
    """Standard deviations of what all frames of a set of clips share."""

    focal: Float[Tensor, ""]  # share of the focal length
    cx: Float[Tensor, ""]  # share of the image's width
    cy: Float[Tensor, ""]  # likewise

    @property
    def identifiable(self) -> bool:
        """Whether focal length and principal point are known to 10 % (of itself, of the width)."""
        return max(float(one) for one in self) < LEAST_KNOWN


class View(NamedTuple):
    """A frame that the target's pixels are looked up in."""

    source_from_target: Float[Tensor, "b 4 4"]
    target: StereoRig
    source: StereoRig
    trusted: Bool[Tensor, "b 1 h w"]  # pixels whose flow counts


def information(
    depth: Float[Tensor, "b 1 h w"], views: Sequence[View], every: int = 4
) -> Float[Tensor, "b 3 3"]:
    """What each clip's flows say of (log focal length, cx, cy), per square pixel of their error.

    The curvature (Gauss-Newton) of the squared reprojection error, less what every pixel's depth
    and every pair's motion can make up for (Schur complements): under pure translation a longer
    lens is a deeper scene, and nothing is left. One in ``every`` rows and columns is looked at.
    """
    height, width = depth.shape[-2:]
    some = torch.arange(height * width, device=depth.device).view(height, width)
    index = some[every // 2 :: every, every // 2 :: every].flatten()
    x, y, z = (one[:, index].double() for one in pixel_grid(depth.double()))
    unit = z.mean(1)
    frames, pixels, count = len(z), z.shape[1], len(views)
    of_depth = z.new_zeros(frames, pixels, count, 2)
    of_rest = z.new_zeros(frames, pixels, count, 2, 3 + 6 * count)
    for number, view in enumerate(views):
        by_depth, by_camera, by_twist = _slopes(x, y, z, view, unit)
        keep = view.trusted.flatten(1)[:, index].to(z)[..., None]
        of_depth[:, :, number] = by_depth * keep
        of_rest[:, :, number, :, :3] = by_camera * keep[..., None]
        at = 3 + 6 * number
        of_rest[:, :, number, :, at : at + 6] = by_twist * keep[..., None]
    whole = torch.einsum("bnski,bnskj->bij", of_rest, of_rest)
    shared = torch.einsum("bnsk,bnskj->bnj", of_depth, of_rest)
    own = of_depth.square().sum((2, 3))
    own = own + WEAK * own.amax(1, keepdim=True).clamp_min(1e-12)
    left = whole - torch.einsum("bni,bnj,bn->bij", shared, shared, 1 / own)
    return _without_motions(left) * (OBSERVATIONS / pixels)


def uncertainty(found: Float[Tensor, "3 3"], error_px: float | Tensor, width: int) -> Uncertainty:
    """Of the information of all clips together, at this root mean square error of the flow."""
    weak = torch.linalg.eigvalsh(found)
    scale = torch.tensor([1.0, 1 / width, 1 / width], dtype=found.dtype, device=found.device)
    least = 1 / torch.as_tensor([UNKNOWN, UNKNOWN * width, UNKNOWN * width]).to(found).square()
    if not torch.isfinite(weak).all():
        return Uncertainty(*(found.new_tensor(UNKNOWN) for _ in range(3)))
    precision = found / torch.as_tensor(error_px).to(found).square().clamp_min(1e-12)
    deviation = torch.linalg.inv(precision + torch.diag(least)).diagonal().clamp_min(0).sqrt()
    return Uncertainty(*(deviation * scale))


def _slopes(
    x: Tensor, y: Tensor, z: Tensor, view: View, unit: Tensor
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n 2 3"], Float[Tensor, "b n 2 6"]]:
    """How a landing pixel follows its log depth; log focal, cx, cy; and a turn and slide."""
    target, source, pose = view.target, view.source, view.source_from_target.double()
    target, source = (StereoRig(*(one.double() for one in rig)) for rig in (target, source))
    points = back_project(x, y, z, target)
    there = moved(points, pose)
    forward = there[..., 2].clamp_min(1e-3 * unit[:, None])
    fx, fy = source.fx[:, None] / forward, source.fy[:, None] / forward
    across, down, zero = there[..., 0] / forward, there[..., 1] / forward, torch.zeros_like(fx)
    by_point = torch.stack(
        [torch.stack([fx, zero, -fx * across], -1), torch.stack([zero, fy, -fy * down], -1)], -2
    )
    by_start = by_point @ pose[:, None, :3, :3]
    by_depth = (by_start @ points[..., None])[..., 0]
    longer = points * points.new_tensor([-1.0, -1.0, 0.0])
    direct = torch.stack([source.fx[:, None] * across, source.fy[:, None] * down], -1)
    by_focal = (by_start @ longer[..., None])[..., 0] + direct
    right = points.new_tensor([1.0, 0.0]) - by_start[..., 0] * (z / target.fx[:, None])[..., None]
    below = points.new_tensor([0.0, 1.0]) - by_start[..., 1] * (z / target.fy[:, None])[..., None]
    turn = torch.linalg.cross(there[..., None, :].expand_as(by_point), by_point)
    by_twist = torch.cat([turn, by_point * unit[:, None, None, None]], -1)
    return by_depth, torch.stack([by_focal, right, below], -1), by_twist


def _without_motions(whole: Float[Tensor, "b p p"]) -> Float[Tensor, "b 3 3"]:
    """The Schur complement of the cameras."""
    motions = whole[:, 3:, 3:]
    tiny = 1e-9 * motions.diagonal(dim1=1, dim2=2).amax(1).clamp_min(1e-12)
    damped = motions + torch.diag_embed(tiny[:, None].expand(-1, motions.shape[-1]))
    cross = whole[:, 3:, :3]
    made_up: Tensor = cross.mT @ torch.linalg.solve(damped, cross)
    return whole[:, :3, :3] - made_up
