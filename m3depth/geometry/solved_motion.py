"""The motion between two frames, of their depth, K and optical flow, by Gauss-Newton steps."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.motion import inverse, moved, pose
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.types import StereoRig

DAMPING = 1e-4  # share of each diagonal entry: what the flow says nothing of stays as it is
LEAST = 1e-6  # added to the diagonal, for frames without any flow
BEHIND = 1e-3  # of a point's depth: nearer to the other camera it cannot be compared


class Observed(NamedTuple):
    """Points of one frame, and where the flow found them in the other."""

    points: Float[Tensor, "b n 3"]  # in the frame's own camera
    x: Float[Tensor, "b n"]  # pixels of the other frame
    y: Float[Tensor, "b n"]
    weight: Float[Tensor, "b n"]  # 0 where the flow is not trusted


def observed(
    depth: Float[Tensor, "b 1 h w"],
    flow_px: Float[Tensor, "b 2 h w"],
    trusted: Bool[Tensor, "b 1 h w"],
    camera: StereoRig,
    every: int,
) -> Observed:
    """Every n-th pixel of every n-th row of a frame."""

    def some(maps: Tensor) -> Tensor:
        return maps[..., every // 2 :: every, every // 2 :: every].flatten(1)

    size = depth.shape[-2:]
    x, y = (some(one.view(-1, 1, *size)) for one in pixel_grid(depth)[:2])
    known = torch.where(depth > 0, depth, 1.0)  # of what is not known the weight is 0
    points = back_project(x, y, some(known), camera)
    weight = some(trusted & (depth.detach() > 0)).to(depth)
    return Observed(points, x + some(flow_px[:, :1]), y + some(flow_px[:, 1:]), weight)


def solve_motion(
    earlier: Observed,
    later: Observed,
    cameras: tuple[StereoRig, StereoRig],
    knee_px: float = 0.5,
    rounds: int = 6,
) -> Float[Tensor, "b 4 4"]:
    """``later_from_earlier`` that brings both frames' points to where the flow found them.

    It minimises the sum of Charbonnier's ``√(r² + knee²)`` over both frames' residuals in pixels,
    by iteratively reweighted Gauss-Newton steps from no motion. The last step carries the
    gradient: about the minimum that is the implicit derivative, up to the residuals' curvature.

    Args:
        earlier: of the earlier frame.
        later: of the later one.
        cameras: of both.
        knee_px: residuals beyond count in proportion.
        rounds: steps.
    """
    frames = len(earlier.points)
    unit = earlier.points[..., 2].detach().mean(1)
    found = torch.eye(4, dtype=unit.dtype, device=unit.device).expand(frames, 4, 4)
    for number in range(rounds):
        with torch.set_grad_enabled(number == rounds - 1 and torch.is_grad_enabled()):
            here, there = cameras
            forward = _normal(*_moving(earlier, found, there, unit), earlier.weight, knee_px)
            back = _normal(*_staying(later, found, here, unit), later.weight, knee_px)
            matrix, slope = (one + other for one, other in zip(forward, back, strict=True))
            damped = matrix + torch.diag_embed(DAMPING * matrix.diagonal(dim1=1, dim2=2) + LEAST)
            twist = -torch.linalg.solve(damped.detach(), slope)
            found = pose(twist[:, :3], twist[:, 3:] * unit[:, None]) @ found
    return found


def _moving(
    seen: Observed, found: Tensor, camera: StereoRig, unit: Tensor
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n 2 6"]]:
    """Residuals of the earlier frame's points; of each, how it follows a further turn and slide."""
    points = moved(seen.points, found)
    residual, by_point = _projected(points, seen, camera)
    return residual, _by_twist(by_point, points, unit)


def _staying(
    seen: Observed, found: Tensor, camera: StereoRig, unit: Tensor
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n 2 6"]]:
    """Of the later frame's points, which go back by the motion: a further one moves them less."""
    back = inverse(found)
    residual, by_point = _projected(moved(seen.points, back), seen, camera)
    turned = by_point @ back[:, None, :3, :3]
    return residual, -_by_twist(turned, seen.points, unit)


def _projected(
    points: Float[Tensor, "b n 3"], seen: Observed, camera: StereoRig
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n 2 3"]]:
    """From where the flow found them to where the camera sees them; and by the point's place."""
    nearest = BEHIND * seen.points[..., 2].detach()
    forward = torch.maximum(points[..., 2], nearest)
    across, down = points[..., 0] / forward, points[..., 1] / forward
    fx, fy, cx, cy = (one[:, None] for one in (camera.fx, camera.fy, camera.cx, camera.cy))
    residual = torch.stack([fx * across + cx - seen.x, fy * down + cy - seen.y], -1)
    zero = torch.zeros_like(forward)
    row_x = torch.stack([fx / forward, zero, -fx * across / forward], -1)
    row_y = torch.stack([zero, fy / forward, -fy * down / forward], -1)
    return residual, torch.stack([row_x, row_y], -2)


def _by_twist(
    by_point: Float[Tensor, "b n 2 3"], points: Float[Tensor, "b n 3"], unit: Float[Tensor, " b"]
) -> Float[Tensor, "b n 2 6"]:
    """A point ``p`` goes by ``ω x p + unit · v``; row times cross product is ``p x row``."""
    turn = torch.linalg.cross(points[..., None, :].expand_as(by_point), by_point)
    return torch.cat([turn, by_point * unit[:, None, None, None]], -1)


def _normal(
    residual: Tensor, jacobian: Tensor, weight: Tensor, knee_px: float
) -> tuple[Float[Tensor, "b 6 6"], Float[Tensor, "b 6"]]:
    """The normal equations' matrix and right side, reweighted."""
    square = residual.detach().square().sum(-1)
    weighted = jacobian * (weight / (square + knee_px**2).sqrt())[..., None, None]
    matrix = torch.einsum("bnki,bnkj->bij", weighted, jacobian)
    return matrix, torch.einsum("bnki,bnk->bi", weighted, residual)
