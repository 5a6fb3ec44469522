"""Every Gaussian at every pixel: the reference for the rasteriser's values, speed and memory.

Written from the equations on its own, with matrices and autograd where the rasteriser has neither:
``O(Gaussians x pixels)`` in time and memory.
"""

import torch
from jaxtyping import Float
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor

from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.profiles import Profile


def dense(
    gaussians: Gaussians, camera: Camera, profile: Profile
) -> tuple[Float[Tensor, "c h w"], Float[Tensor, "1 h w"], Float[Tensor, "1 h w"]]:
    """Colour, summed depth and weight, without a background."""
    centres, covariances, z = _flattened(gaussians, camera, profile)
    order = z.argsort(stable=True)
    height, width = camera.size
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    pixels = torch.stack([x, y], -1).view(1, -1, 2).to(centres)
    away = pixels - centres[order, None]  # n, p, 2
    form = ((away @ covariances.inverse()[order]) * away).sum(-1)
    alpha = gaussians.opacities[order, None] * torch.exp(-form / 2)
    alpha = alpha.clamp(max=profile.alpha_max)
    reach = (profile.cut_sigmas * torch.linalg.eigvalsh(covariances.detach())[:, 1].sqrt()).ceil()
    drawn = (alpha >= profile.alpha_min) & (away.abs() <= reach[order, None, None]).all(-1)
    drawn &= (z > profile.near_mm)[order, None]
    alpha = torch.where(drawn, alpha, 0.0)
    left = (1 - alpha).cumprod(0)
    before = torch.cat([torch.ones_like(left[:1]), left[:-1]])
    weight = torch.where(left >= profile.stop, alpha * before, 0.0)
    features = torch.cat([gaussians.colours, z[:, None], torch.ones_like(z)[:, None]], 1)
    picture = (features[order].T @ weight).view(-1, height, width)
    return picture[:-2], picture[-2:-1], picture[-1:]


def _flattened(
    gaussians: Gaussians, camera: Camera, profile: Profile
) -> tuple[Float[Tensor, "n 2"], Float[Tensor, "n 2 2"], Float[Tensor, " n"]]:
    """Centres and covariances in the image, and z."""
    k, pose = (m.to(gaussians.means_mm) for m in (camera.intrinsics, camera.world_to_camera))
    height, width = camera.size
    points = torch.cat([gaussians.means_mm, torch.ones_like(gaussians.means_mm[:, :1])], 1)
    x, y, z = (points @ pose.T)[:, :3].unbind(-1)
    seen = z > profile.near_mm
    x, y, safe = (torch.where(seen, one, 1.0) for one in (x, y, z))
    outside_x, outside_y = profile.margin * width / 2 + 0.5, profile.margin * height / 2 + 0.5
    u, v = x / safe * k[0, 0] + k[0, 2], y / safe * k[1, 1] + k[1, 2]
    x = (u.clamp(-outside_x, width - 1 + outside_x) - k[0, 2]) / k[0, 0] * safe
    y = (v.clamp(-outside_y, height - 1 + outside_y) - k[1, 2]) / k[1, 1] * safe
    nothing = torch.zeros_like(x)
    jacobian = torch.stack(
        [
            torch.stack([k[0, 0] / safe, nothing, -k[0, 0] * x / safe**2], -1),
            torch.stack([nothing, k[1, 1] / safe, -k[1, 1] * y / safe**2], -1),
        ],
        -2,
    )
    turn = jacobian @ pose[:3, :3] @ quaternion_to_rotation_matrix(gaussians.quaternions)
    covariances = turn @ torch.diag_embed(gaussians.scales_mm**2) @ turn.mT
    blur = profile.blur_px2 * torch.eye(2).to(covariances)
    return torch.stack([u, v], -1), covariances + blur, z
