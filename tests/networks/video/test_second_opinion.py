"""A solved motion gives way to the flow's own where depth misled it, and only there."""

import torch
from torch import Tensor

from m3depth.geometry.motion import inverse, landing, pose
from m3depth.geometry.solved_motion import observed, solve_motion
from m3depth.matching.optical_flow import Flow
from m3depth.networks.video.two_views import TwoViews
from m3depth.types import StereoRig

SIZE = (60, 80)
CAMERA = StereoRig(*(one[None] for one in StereoRig.monocular(70.0, 70.0, 39.5, 29.5)))
SLIDE = pose(torch.zeros(1, 3), torch.tensor([[6.0, 1.0, 0.0]]))
CAMERAS = CAMERA, CAMERA


def deep(phase: float = 0.0) -> Tensor:
    y, x = torch.meshgrid(*(torch.arange(n).float() for n in SIZE), indexing="ij")
    return (60 + 30 * torch.sin(x / 13 + phase) + 15 * torch.cos(y / 11))[None, None]


def flow(motion: Tensor) -> Flow:
    there = landing(deep(), motion, *CAMERAS)
    return Flow(there.flow_px(), there.visible)


def solved(depth: Tensor, seen: Flow) -> Tensor:
    """From the earlier frame alone, as if the later one saw nothing."""
    here = observed(depth, seen.px, seen.trusted, CAMERA, every=2)
    return solve_motion(here, here._replace(weight=0 * here.weight), CAMERAS, rounds=12)


def angle(found: Tensor) -> float:
    one, other = found[0, :3, 3], SLIDE[0, :3, 3]
    return float(torch.rad2deg(torch.acos(one @ other / one.norm() / other.norm())))


def test_of_a_flat_depth_the_motion_is_wrong_and_of_the_flow_it_is_right():
    flat, seen = torch.full_like(deep(), 55.0), flow(SLIDE)
    misled = solved(flat, seen)
    assert angle(misled) > 10
    found = TwoViews()(misled, seen, flat, CAMERAS)
    assert angle(found) < 2
    assert 4 < found[0, :3, 3].norm() < 8  # as long as the depth of 55 makes it


def test_a_motion_of_the_right_depth_stays_with_its_gradient():
    depth, seen = deep().requires_grad_(), flow(SLIDE)
    found = TwoViews()(solved(depth, seen), seen, depth, CAMERAS)
    torch.testing.assert_close(found, SLIDE, atol=1e-3, rtol=0)
    found.sum().backward()
    assert depth.grad.abs().sum() > 0


def test_a_turn_alone_stays_as_solved():
    turn = pose(torch.tensor([[0.02, -0.05, 0.01]]), torch.zeros(1, 3))
    flat, seen = torch.full_like(deep(), 55.0), flow(turn)
    torch.testing.assert_close(
        TwoViews()(solved(flat, seen), seen, flat, CAMERAS), turn, atol=1e-4, rtol=0
    )


def test_each_pair_is_judged_by_itself():
    seen, flat = flow(SLIDE), torch.full_like(deep(), 55.0)
    pair = Flow(seen.px.repeat(2, 1, 1, 1), seen.trusted.repeat(2, 1, 1, 1))
    both = torch.cat([solved(flat, seen), inverse(inverse(SLIDE))])
    cameras = StereoRig(*(one.repeat(2) for one in CAMERA))
    found = TwoViews()(both, pair, torch.cat([flat, deep()]), (cameras, cameras))
    assert angle(found[:1]) < 2
    torch.testing.assert_close(found[1], both[1])
