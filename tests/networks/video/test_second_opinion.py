"""A solved motion gives way to the flow's own where depth misled it, and only there."""

import torch
from torch import Tensor, nn

from m3depth.geometry.motion import landing, pose
from m3depth.geometry.solved_motion import observed, solve_motion
from m3depth.matching.optical_flow import Flow
from m3depth.networks.video.solved_motion import Beside, SolvedMotion
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
    one, other = found[0, :3, 3].detach(), SLIDE[0, :3, 3]
    return float(torch.rad2deg(torch.acos(one @ other / one.norm() / other.norm())))


def motions(depth: Tensor, seen: list[Flow], later: Tensor, back: list[Flow]) -> Tensor:
    """As a training has them, of one depth for all pairs of frames."""
    here, there = (Flow(*(torch.cat(p) for p in zip(*one, strict=True))) for one in (seen, back))
    count = len(seen)
    image, cameras = torch.zeros(count, 3, *SIZE), StereoRig(*(c.repeat(count) for c in CAMERA))
    network = SolvedMotion(nn.Identity(), every=2, rounds=12, two_views=TwoViews())
    beside = (Beside(image, one, flow) for one, flow in ((depth, here), (later, there)))
    return network.between(*beside, (cameras, cameras)).later_from_earlier


def no_way_back(flow: Flow) -> Flow:
    return Flow(flow.px, torch.zeros_like(flow.trusted))


def test_of_a_flat_depth_the_motion_is_wrong_and_of_the_flow_it_is_right():
    flat, seen = torch.full_like(deep(), 55.0), flow(SLIDE)
    assert angle(solved(flat, seen)) > 10
    found = motions(flat, [seen], flat, [no_way_back(seen)])
    assert angle(found) < 2
    assert 4 < found[0, :3, 3].norm() < 8  # as long as the depth of 55 makes it


def test_a_motion_of_the_right_depth_stays_with_its_gradient():
    depth, seen = deep().requires_grad_(), flow(SLIDE)
    found = motions(depth, [seen], deep(), [no_way_back(seen)])
    torch.testing.assert_close(found, SLIDE, atol=1e-3, rtol=0)
    found.sum().backward()
    assert depth.grad.abs().sum() > 0


def test_a_turn_alone_stays_as_solved():
    turn = pose(torch.tensor([[0.02, -0.05, 0.01]]), torch.zeros(1, 3))
    flat, seen = torch.full_like(deep(), 55.0), flow(turn)
    found = motions(flat, [seen], flat, [no_way_back(seen)])
    torch.testing.assert_close(found, turn, atol=1e-4, rtol=0)


def test_each_pair_is_judged_by_itself_and_only_the_solved_one_has_a_gradient():
    seen = flow(SLIDE)
    depth = torch.cat([torch.full_like(deep(), 55.0), deep()]).requires_grad_()
    found = motions(depth, [seen] * 2, depth.detach(), [no_way_back(seen)] * 2)
    assert angle(found[:1]) < 2
    torch.testing.assert_close(found[1:], SLIDE, atol=1e-3, rtol=0)
    found.sum().backward()
    assert depth.grad[0].abs().sum() == 0
    assert depth.grad[1].abs().sum() > 0


def test_a_solved_motion_that_is_no_number_gives_way():
    seen, nothing = flow(SLIDE), torch.full((1, 4, 4), torch.nan)
    gives_way, motion = TwoViews()(nothing, seen, deep(), CAMERAS)
    assert gives_way.all()
    assert angle(motion) < 2
