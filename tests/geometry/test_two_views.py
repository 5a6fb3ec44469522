"""Epipolar lines and triangulated depth of exact flows."""

import math

import torch
from torch import Tensor

from m3depth.geometry.motion import landing, pose
from m3depth.geometry.two_views import off_the_lines, triangulated
from m3depth.types import StereoRig

SIZE = (24, 32)
EVERYWHERE = torch.ones(1, 1, *SIZE, dtype=torch.bool)


def camera(focal: float) -> StereoRig:
    rig = StereoRig.monocular(focal, 0.95 * focal, 15.0, 11.0)
    return StereoRig(*(one[None].double() for one in rig))


def deep() -> Tensor:
    y, x = torch.meshgrid(*(torch.arange(n).double() for n in SIZE), indexing="ij")
    return (60 + 25 * torch.sin(x / 6) + 10 * torch.cos(y / 4))[None, None]


def motion(*numbers: float) -> Tensor:
    turn, shift = torch.tensor([numbers]).double().split(3, 1)
    return pose(turn, shift)


def test_the_true_motion_is_on_its_lines_at_any_length():
    true = motion(0.03, -0.05, 0.02, 4, 1, -2)
    flow = landing(deep(), true, camera(30), camera(36)).flow_px()
    longer = true.clone()
    longer[:, :3, 3] *= 7
    for one in (true, longer):
        off = off_the_lines(flow, EVERYWHERE, one, camera(30), camera(36))
        torch.testing.assert_close(off, torch.zeros(1).double(), atol=1e-9, rtol=0)


def test_sideways_both_frames_share_what_lies_between_the_pixel_and_its_line():
    """The lines are rows: a flow that is 1 px too low is 1/√2 off, as one of two such errors."""
    aside, square = motion(0, 0, 0, 5, 0, 0), camera(30)._replace(fy=torch.tensor([30.0]).double())
    flow = landing(deep(), aside, square, square).flow_px()
    flow[:, 1] += 1
    off = off_the_lines(flow, EVERYWHERE, aside, square, square)
    torch.testing.assert_close(off, torch.tensor([1 / math.sqrt(2)]).double())


def test_without_a_translation_it_is_how_far_the_turn_alone_is_off():
    turn = motion(0.02, 0.01, -0.03, 0, 0, 0)
    flow = landing(deep(), turn, camera(30), camera(36)).flow_px()
    flow[:, 0] += 0.75
    off = off_the_lines(flow, EVERYWHERE, turn, camera(30), camera(36))
    torch.testing.assert_close(off, torch.tensor([0.75]).double())


def test_only_trusted_flow_counts_and_none_is_not_a_number():
    true = motion(0.03, -0.05, 0.02, 4, 1, -2)
    flow = landing(deep(), true, camera(30), camera(30)).flow_px()
    flow[..., :20] += 5.0
    trusted = EVERYWHERE.clone()
    trusted[..., :20] = False
    assert off_the_lines(flow, trusted, true, camera(30), camera(30)).item() < 1e-9
    nothing = off_the_lines(flow, ~EVERYWHERE, true, camera(30), camera(30))
    assert nothing.isnan().all()


def test_the_depth_of_an_exact_flow_is_the_depth():
    true = motion(0.03, -0.05, 0.02, 4, 1, -2)
    flow = landing(deep(), true, camera(30), camera(36)).flow_px()
    inverse_depth, told = triangulated(flow, true, camera(30), camera(36))
    assert told.float().mean() > 0.9
    torch.testing.assert_close(1 / inverse_depth[told], deep()[told], rtol=1e-6, atol=0)


def test_what_a_translation_hardly_moves_tells_no_depth():
    """About the point that the camera goes towards, and wherever it only turns."""
    ahead = motion(0, 0, 0, 0, 0, 3)
    flow = landing(deep(), ahead, camera(30), camera(30)).flow_px()
    _, told = triangulated(flow, ahead, camera(30), camera(30))
    assert not told[0, 0, 11, 15]
    assert told[0, 0, 0, 0]


def test_the_opposite_translation_puts_all_behind():
    true = motion(0.03, -0.05, 0.02, 4, 1, -2)
    flow = landing(deep(), true, camera(30), camera(36)).flow_px()
    true[:, :3, 3] *= -1
    inverse_depth, told = triangulated(flow, true, camera(30), camera(36))
    assert (inverse_depth[told] < 0).all()
