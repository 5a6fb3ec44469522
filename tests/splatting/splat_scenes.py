"""Gaussians and cameras for the tests of the rasteriser."""

from dataclasses import fields

import torch
from torch import Tensor

from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians

NAMES = [field.name for field in fields(Gaussians)]


def camera(size: tuple[int, int], cx: float, cy: float, focal_px: float = 40.0) -> Camera:
    k = torch.tensor([[focal_px, 0, cx], [0, focal_px, cy], [0, 0, 1]], dtype=torch.float64)
    return Camera(k, torch.eye(4, dtype=torch.float64), size)


def one(
    mean_mm: tuple[float, float, float] = (0.0, 0.0, 50.0),
    scales_mm: float | tuple[float, float, float] = 2.0,
    opacity: float = 0.6,
    colour: tuple[float, ...] = (0.2, 0.5, 0.8),
) -> Gaussians:
    scales = (scales_mm,) * 3 if isinstance(scales_mm, float) else scales_mm
    rows = [mean_mm, (1.0, 0.0, 0.0, 0.0), scales, opacity, colour]
    return Gaussians(*(torch.tensor([row], dtype=torch.float64) for row in rows))


def together(*some: Gaussians) -> Gaussians:
    return Gaussians(*(torch.cat([getattr(g, name) for g in some]) for name in NAMES))


def chosen(gaussians: Gaussians, which: Tensor) -> Gaussians:
    return Gaussians(*(getattr(gaussians, name)[which] for name in NAMES))


def cloud(count: int, size: tuple[int, int], scale_mm: float = 2.0) -> tuple[Gaussians, Camera]:
    """Overlapping Gaussians, some of them partly or wholly outside the picture or behind it."""
    height, width = size
    view = camera(size, 0.45 * width, 0.55 * height, 0.93 * width)
    draw = torch.rand(count, 3, dtype=torch.float64)
    z = 30 + 40 * draw[:, 2]
    z[:: max(count // 3, 3)] *= -1
    pixels = (1.4 * draw[:, :2] - 0.2) * torch.tensor([width, height])
    k = view.intrinsics
    xy = (pixels - k[:2, 2]) / k.diagonal()[:2] * z[:, None]
    scales = scale_mm * torch.randn(count, 3, dtype=torch.float64).mul(0.5).exp()
    quaternions = torch.randn(count, 4, dtype=torch.float64)
    opacities = torch.rand(count, dtype=torch.float64) * 1.1
    colours = torch.rand(count, 3, dtype=torch.float64)
    means = torch.cat([xy, z[:, None]], 1)
    return Gaussians(means, quaternions, scales, opacities.clamp(max=1), colours), view


def leaves(gaussians: Gaussians) -> Gaussians:
    """A copy to take gradients of."""
    return Gaussians(*(getattr(gaussians, n).detach().clone().requires_grad_() for n in NAMES))


def gradients(gaussians: Gaussians) -> dict[str, Tensor]:
    return {name: getattr(gaussians, name).grad for name in NAMES}
