"""Gaussians in space to Gaussians in the image (Zwicker et al. 2001, EWA splatting)."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import normalize

from m3depth.errors import DataError
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.profiles import Profile


class Projected(NamedTuple):
    """Gaussians in an image, pixels of that image.

    ``exp(-(A dx² + 2 B dx dy + C dy²) / 2)`` with the conic (A, B, C) is how much of its opacity
    a Gaussian has at (dx, dy) from its centre.
    """

    centres_px: Float[Tensor, "n 2"]  # (x, y)
    covariances: Float[Tensor, "n 3"]  # xx, xy, yy, px²
    conics: Float[Tensor, "n 3"]  # A, B, C of their inverses, per px²
    depth_mm: Float[Tensor, " n"]  # z of the centre
    in_front: Bool[Tensor, " n"]  # beyond the near plane; what is not is a stand-in


def project(gaussians: Gaussians, camera: Camera, profile: Profile) -> Projected:
    """Project, the perspective linearised at each centre; a `DataError` where it overflows."""
    pose, k = (m.to(gaussians.means_mm) for m in (camera.world_to_camera, camera.intrinsics))
    in_camera = gaussians.means_mm @ pose[:3, :3].mT + pose[:3, 3]
    z = in_camera[:, 2]
    in_front = z > profile.near_mm
    z = torch.where(in_front, z, 1.0)  # what is not drawn must not divide by 0 on the way
    slope = in_camera[:, :2] / z[:, None]
    focal, principal = k.diagonal()[:2], k[:2, 2]
    axes = pose[:3, :3] @ (rotations(gaussians.quaternions) * gaussians.scales_mm[:, None])
    bounded = _bounded(slope, focal, principal, camera.size, profile.margin)
    # J·axes, J the derivative of the projection: its rows' products are the covariance
    rows = (axes[:, :2] - bounded[..., None] * axes[:, 2:]) * (focal / z[:, None])[..., None]
    covariances, conics = _shapes(rows, profile.blur_px2)
    centres_px = slope * focal + principal
    finite = torch.cat([centres_px, conics], 1).isfinite()
    if not finite.all():
        raise DataError(_overflow(gaussians, int((~finite.all(1)).nonzero()[0])))
    return Projected(centres_px, covariances, conics, z, in_front)


def rotations(quaternions: Float[Tensor, "n 4"]) -> Float[Tensor, "n 3 3"]:
    """Matrices of quaternions (w, x, y, z) of any length."""
    w, x, y, z = normalize(quaternions, dim=-1).unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def _overflow(gaussians: Gaussians, index: int) -> str:
    mean, scales = gaussians.means_mm[index].tolist(), gaussians.scales_mm[index].tolist()
    return (
        f"Gaussian {index} of {len(gaussians)}: means_mm = {mean} with scales_mm = {scales} "
        "overflows in the image; keep both within the scene"
    )


def _bounded(
    slope: Tensor, focal: Tensor, principal: Tensor, size: tuple[int, int], margin: float
) -> Tensor:
    """``x/z`` and ``y/z``, kept within the image and ``margin`` half images around it."""
    extent = focal.new_tensor([size[1], size[0]])
    beyond = margin * extent / 2
    least = (-0.5 - beyond - principal) / focal
    most = (extent - 0.5 + beyond - principal) / focal
    return slope.clamp(least, most)


def _shapes(
    rows: Float[Tensor, "n 2 3"], blur_px2: float
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 3"]]:
    """``rows·rowsᵀ + blur`` and its inverse."""
    first, second = rows.unbind(1)
    xx, xy, yy = (first * first).sum(-1), (first * second).sum(-1), (second * second).sum(-1)
    # xx·yy - xy² as a sum of squares: a thin Gaussian's never rounds to 0 or below
    spread = torch.linalg.cross(first, second).square().sum(-1)
    determinant = spread + blur_px2 * (xx + yy) + blur_px2**2
    xx, yy = xx + blur_px2, yy + blur_px2
    conics = torch.stack([yy, -xy, xx], -1) / determinant[:, None]
    return torch.stack([xx, xy, yy], -1), conics
