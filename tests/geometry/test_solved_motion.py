"""Motions solved of exact flows are the exact ones, and their gradient is the solution's."""

import pytest
import torch
from torch import Tensor

from m3depth.geometry.motion import inverse, landing, pose
from m3depth.geometry.solved_motion import observed, solve_motion
from m3depth.types import StereoRig

SIZE = (20, 28)


def camera(focal: float) -> StereoRig:
    rig = StereoRig.monocular(focal, 0.97 * focal, 13.0, 9.5)
    return StereoRig(*(one[None].double() for one in rig))


def hills(phase: float) -> Tensor:
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in SIZE), indexing="ij")
    return (60 + 8 * torch.sin(x / 5 + phase) + 5 * torch.cos(y / 4))[None, None]


def solved(depth: Tensor, motion: Tensor, first: StereoRig, second: StereoRig) -> Tensor:
    """From each frame's own depth, with flows that are exact for hills."""
    there = landing(hills(0.0), motion, first, second)
    back = landing(hills(1.0), inverse(motion), second, first)
    here = observed(depth, there.flow_px(), there.visible, first, every=2)
    later = observed(hills(1.0), back.flow_px(), back.visible, second, every=2)
    return solve_motion(here, later, (first, second), rounds=12)


@pytest.mark.parametrize(
    "twist",
    [(0.0,) * 6, (0.05, -0.08, 0.1, 0, 0, 0), (0, 0, 0, 4.0, -3, 6), (-0.1, 0.05, 0.1, 3, 3, -5)],
)
def test_it_finds_turns_slides_both_and_none(twist: tuple[float, ...]):
    numbers = torch.tensor([twist]).double()
    motion = pose(numbers[:, :3], numbers[:, 3:])
    found = solved(hills(0.0), motion, camera(30.0), camera(36.0))
    torch.testing.assert_close(found, motion, atol=2e-5, rtol=0)


def test_flow_that_is_not_trusted_is_not_looked_at():
    motion = pose(torch.tensor([[0.02, 0.01, 0.0]]).double(), torch.ones(1, 3).double())
    first = camera(30.0)
    there = landing(hills(0.0), motion, first, first)
    back = landing(hills(1.0), inverse(motion), first, first)
    wrong, trusted = there.flow_px(), there.visible.clone()
    wrong[..., :10] += 7.0
    trusted[..., :10] = False
    here = observed(hills(0.0), wrong, trusted, first, every=2)
    later = observed(hills(1.0), back.flow_px(), back.visible, first, every=2)
    found = solve_motion(here, later, (first, first), rounds=12)
    torch.testing.assert_close(found, motion, atol=2e-5, rtol=0)


def test_without_any_flow_there_is_no_motion():
    nothing = torch.zeros(1, 2, *SIZE).double(), torch.zeros(1, 1, *SIZE, dtype=torch.bool)
    seen = observed(hills(0.0), *nothing, camera(30.0), every=2)
    found = solve_motion(seen, seen, (camera(30.0), camera(30.0)))
    assert torch.equal(found, torch.eye(4).double()[None])


def test_the_gradient_is_that_of_the_solution():
    """Against finite differences of the whole solution, along a bend of the depth."""
    motion = pose(torch.tensor([[0.02, -0.03, 0.05]]).double(), torch.full((1, 3), 2.0).double())
    bend = torch.linspace(-1, 1, SIZE[1]).double().square().expand(1, 1, *SIZE)
    weights = torch.randn(4, 4).double()

    def value(step: Tensor) -> Tensor:
        depth = hills(0.0) + step * bend
        return (solved(depth, motion, camera(30.0), camera(33.0)) * weights).sum()

    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(value(step), step)
    numeric = (value(torch.tensor(1e-4)) - value(torch.tensor(-1e-4))) / 2e-4
    torch.testing.assert_close(slope, numeric, rtol=0.02, atol=1e-6)


def test_the_gradient_reaches_the_focal_length():
    motion = pose(torch.tensor([[0.02, -0.06, 0.05]]).double(), torch.full((1, 3), 2.0).double())
    weights = torch.randn(4, 4).double()
    there = landing(hills(0.0), motion, camera(30.0), camera(30.0))
    back = landing(hills(1.0), inverse(motion), camera(30.0), camera(30.0))

    def value(longer: Tensor) -> Tensor:
        lens = camera(30.0)
        lens = lens._replace(fx=lens.fx * longer, fy=lens.fy * longer)
        here = observed(hills(0.0), there.flow_px(), there.visible, lens, every=2)
        later = observed(hills(1.0), back.flow_px(), back.visible, lens, every=2)
        return (solve_motion(here, later, (lens, lens), rounds=12) * weights).sum()

    one = torch.ones((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(value(one), one)
    numeric = (value(torch.tensor(1 + 1e-4)) - value(torch.tensor(1 - 1e-4))) / 2e-4
    torch.testing.assert_close(slope, numeric, rtol=0.03, atol=1e-6)


def test_pixels_of_unknown_depth_are_not_looked_at():
    motion = pose(torch.tensor([[0.02, 0.01, 0.0]]).double(), torch.ones(1, 3).double())
    holes = hills(0.0)
    holes[..., 5:9, 7:20] = 0
    found = solved(holes, motion, camera(30.0), camera(36.0))
    torch.testing.assert_close(found, motion, atol=2e-5, rtol=0)
