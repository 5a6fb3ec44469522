"""Rigs and points for the geometry's tests, all in float64."""

import torch
from torch import Tensor

from m3depth.types.camera import StereoRig

HEIGHT, WIDTH = 48, 80


def rigs() -> StereoRig:
    """Two rigs as a batch; the second has different focal lengths and principal points."""
    values = ([75.0, 81.0], [75.0, 77.0], [39.5, 44.0], [23.5, 20.25], [39.5, 41.5], [5.0, 4.2])
    return StereoRig(*(torch.tensor(v, dtype=torch.float64) for v in values))


def points(count: int = 50, seed: int = 0) -> Tensor:
    """(2, count, 3) in front of both cameras, mm."""
    generator = torch.Generator().manual_seed(seed)
    unit = torch.rand(2, count, 3, generator=generator, dtype=torch.float64)
    return unit * torch.tensor([40.0, 30.0, 100.0]) + torch.tensor([-20.0, -15.0, 30.0])


def in_right_view(xyz: Tensor, rig: StereoRig) -> Tensor:
    """Pixels of the right camera, which sits at x = +baseline: from first principles."""
    x, y, z = xyz.unbind(-1)
    column = rig.fx[:, None] * (x - rig.baseline_mm[:, None]) / z + rig.cx_right[:, None]
    return torch.stack([column, rig.fy[:, None] * y / z + rig.cy[:, None]], dim=-1)


def random_rotation(batch: int, max_degrees: float = 180.0) -> Tensor:
    """Proper rotations by Rodrigues' formula about random axes."""
    axis = torch.nn.functional.normalize(torch.randn(batch, 3, dtype=torch.float64), dim=-1)
    angle = torch.rand(batch, 1, 1, dtype=torch.float64) * max_degrees * torch.pi / 180
    zero = torch.zeros(batch, dtype=torch.float64)
    x, y, z = axis.unbind(-1)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).view(batch, 3, 3)
    return torch.eye(3).double() + angle.sin() * skew + (1 - angle.cos()) * skew @ skew
