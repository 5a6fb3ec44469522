"""What the paper's 3D term costs when it is computed as the paper describes it.

Written from its description, for comparison only: both depth maps are brought to the original
resolution, every pixel is back-projected, 1000 points of each cloud are kept, and ICP runs to
convergence with the gradient going through every round's alignment.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from m3depth.geometry.points import back_project, pixel_grid
from m3depth.types import Pair
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity

FULL_SIZE = (1024, 1280)


def published_icp(
    disparity: Pair,
    rig: StereoRig,
    samples: int = 1000,
    rounds: int = 100,
    tolerance: float = 1e-6,
) -> Float[Tensor, ""]:
    """Mean over the batch of the root mean square distance after ICP, in mm.

    Args:
        disparity: both views, fraction of the width.
        rig: at the resolution of ``disparity``.
        samples: points of each cloud.
        rounds: of ICP at the most.
        tolerance: ends when no residual falls by more than this share.
    """
    small = disparity.left.shape[-2:]
    full = rig.resized((small[0], small[1]), FULL_SIZE)
    clouds = []
    for one, cx in zip(disparity, (full.cx, full.cx_right), strict=True):
        depth_mm = depth_from_disparity(one * small[1], rig)
        depth_mm = interpolate(depth_mm, FULL_SIZE, mode="bilinear", align_corners=False)
        points = back_project(*pixel_grid(depth_mm), full._replace(cx=cx))
        kept = torch.randint(points.shape[1], (samples,))
        clouds.append(points[:, kept])
    left, right = clouds
    return _registered(left, right, rounds, tolerance).mean()


def _registered(
    source: Tensor, target: Tensor, rounds: int, tolerance: float
) -> Float[Tensor, " b"]:
    moved, residual = source, source.new_full((len(source),), torch.inf)
    for _ in range(rounds):
        nearest = torch.cdist(moved, target).argmin(-1)
        matched = target.gather(1, nearest[..., None].expand(-1, -1, 3))
        moved = _aligned(source, matched)
        previous, residual = residual, (moved - matched).square().sum(-1).mean(1).sqrt()
        if (residual >= (1 - tolerance) * previous).all():
            break
    return residual


def _aligned(source: Float[Tensor, "b n 3"], target: Float[Tensor, "b n 3"]) -> Tensor:
    """The source where a rigid motion brings it nearest (Kabsch 1976); differentiable."""
    centre, goal = source.mean(1, keepdim=True), target.mean(1, keepdim=True)
    u, _, vh = torch.linalg.svd((source - centre).mT @ (target - goal))
    handedness = torch.ones_like(source[:, 0])
    handedness[:, 2] = torch.det(u @ vh).sign()
    aligned: Tensor = (source - centre) @ (u * handedness[:, None]) @ vh + goal
    return aligned
