"""How far ICP's motion leads from the rig's own transform, with the gradient of the motion."""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.geometry.surface import Cloud
from m3depth.losses.points.residuals import root

DAMPING = 1e-6  # a flat or thin cloud does not determine every motion: those stay 0
SMALLEST_MM = 1e-6  # radius of a cloud


def departure(source: Cloud, moved: Cloud, matched: Cloud) -> Float[Tensor, " b"]:
    """Root mean square distance in mm that the best motion takes the source.

    The motion depends on the disparities. Its derivative is that of one Gauss-Newton step from
    the motion found (``moved``), where the step itself is 0: the implicit derivative, up to a
    relative error as small as the residual is against the size of the cloud.
    """
    valid = source.valid & matched.valid
    share = valid.to(moved.points) / valid.sum(1, keepdim=True).clamp_min(1)
    base = moved.points.detach()
    about_centre = base - (share[..., None] * base).sum(1, keepdim=True)
    square_mm = (share * about_centre.square().sum(-1)).sum(1)
    # In radii a turn counts as much as a slide, at whatever distance
    radius_mm = square_mm.sqrt().clamp_min(SMALLEST_MM)[:, None, None]
    jacobian = _of_a_twist(about_centre / radius_mm)
    normal = torch.einsum("bn,bnki,bnkj->bij", share, jacobian, jacobian)
    missing = torch.where(valid[..., None], matched.points - moved.points, 0.0)
    slope = torch.einsum("bn,bnki,bnk->bi", share, jacobian, missing)
    normal.diagonal(dim1=1, dim2=2).add_(DAMPING)
    twist = torch.linalg.solve_ex(normal, slope).result
    way = moved.points - source.points + (jacobian @ twist[:, None, :, None])[..., 0]
    square = torch.where(valid, way.square().sum(-1), 0.0)
    return root((share * square).sum(1))


def _of_a_twist(points: Float[Tensor, "b n 3"]) -> Float[Tensor, "b n 3 6"]:
    """How each point follows a small turn ω and slide t: by ``ω x p + t``."""
    axes = torch.eye(3, dtype=points.dtype, device=points.device)
    turns = [torch.linalg.cross(axis.expand_as(points), points) for axis in axes]
    return torch.cat([torch.stack(turns, -1), axes.expand(*points.shape, 3)], -1)
