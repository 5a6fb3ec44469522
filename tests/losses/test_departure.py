"""What it costs ICP to leave the rig's own transform."""

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from m3depth.geometry.surface import Cloud
from m3depth.losses.points.correspondences import nearest_of
from m3depth.losses.points.departure import departure
from m3depth.losses.points.transforms import IcpNearRig

SHIFT = torch.tensor([0.5, -0.3, 1.0], dtype=torch.float64)


def sheet() -> Tensor:
    """16 points of a bent sheet at 80 mm, 12 mm apart."""
    y, x = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij")
    points = torch.stack([12 * x - 18, 12 * y - 18, 80 + (x - 1) ** 2 + 2 * y.sin()], -1)
    return points.reshape(1, -1, 3).double()


def turned_and_noisy(points: Tensor) -> Tensor:
    x, y, _ = points.unbind(-1)
    turn = 0.02 * torch.stack([y, -x, torch.zeros_like(x)], -1)
    return points + turn + SHIFT + 0.05 * torch.randn_like(points)


def penalty(source: Tensor, target: Tensor, share: float = 1.0) -> Tensor:
    everywhere = torch.ones_like(source[..., 0], dtype=torch.bool)
    facing = torch.zeros_like(source)
    match = nearest_of(Cloud(target, facing, everywhere))
    transform = IcpNearRig(iterations=50, tolerance=1e-12, share=share)
    return transform(Cloud(source, facing, everywhere), match, source[:, 0, 0]).penalty_mm


def test_it_is_how_far_the_motion_takes_the_points():
    source = sheet()
    torch.testing.assert_close(penalty(source, source + SHIFT)[0], SHIFT.norm())
    torch.testing.assert_close(penalty(source, source + SHIFT, 0.5)[0], SHIFT.norm() / 2)


@pytest.mark.parametrize("size", [1, 300], ids=["near", "25 m away"])
@pytest.mark.parametrize("seed", range(3))
def test_its_gradient_is_that_of_the_whole_procedure(seed: int, size: float):
    """To about the share that the residual is of the cloud: here 0.05 of 20 mm."""
    torch.manual_seed(seed)
    source = sheet()
    target = size * turned_and_noisy(source)
    source = size * source
    leaves = [one.clone().requires_grad_() for one in (source, target)]
    gradients = torch.autograd.grad(penalty(*leaves).sum(), leaves)
    ways = [torch.randn_like(one) for one in (source, target)]
    for way, still in (((ways[0], 0.0), 1), ((0.0, ways[1]), 0)):
        ends = [penalty(source + step * way[0], target + step * way[1]) for step in (-1e-5, 1e-5)]
        slope = (ends[1] - ends[0]).item() / 2e-5
        predicted = (gradients[1 - still] * ways[1 - still]).sum().item()
        assert predicted == pytest.approx(slope, rel=0.02)


class Copies(TorchDispatchMode):
    """Lists copies from one device to another: on a GPU the host waits for each."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        given = {one.device for one in tree_leaves((arguments, result)) if isinstance(one, Tensor)}
        self.found += [str(function)] * (len(given) > 1)
        return result


def test_nothing_is_copied_to_the_device_on_the_way():
    source = sheet().to("meta")
    with Copies() as copies:
        penalty(source, source)
    assert copies.found == []


@pytest.mark.parametrize("seen", [0, 1, 16])
def test_clouds_without_a_shape_have_finite_gradients(seen: int):
    source = sheet().requires_grad_()
    spot = source[:, :1].expand(1, 16, 3)
    one = Cloud(spot, torch.zeros_like(spot), torch.arange(16)[None] < seen)
    found = departure(one, one, one._replace(points=turned_and_noisy(sheet())))
    (gradient,) = torch.autograd.grad(found.sum(), source)
    assert found.isfinite().all()
    assert gradient.isfinite().all()
