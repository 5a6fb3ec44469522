"""Motion networks, intrinsics heads, brightness models and flows: what each begins with."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.geometry.rebuilding import Rebuilt, Source, rebuild_target
from m3depth.networks.monodepth import Monodepth
from m3depth.networks.video.brightness import Affine, AppearanceFlow, InverseSquare, Unchanged
from m3depth.networks.video.intrinsics import OneCamera, PerFrame, PerPair, ZoomLens
from m3depth.networks.video.inverse_depth import InverseDepth
from m3depth.networks.video.lens import Bounds
from m3depth.networks.video.motion import FlowMotion, ResNetMotion, SmallMotion
from m3depth.networks.video.optical_flow import DisFlow, LearnedFlow
from m3depth.networks.video.solved_motion import SolvedMotion
from m3depth.types import Kind, Scale, StereoRig

SIZE = (64, 80)


def images(count: int = 2) -> tuple[Tensor, Tensor]:
    one = nn.functional.interpolate(torch.rand(count, 3, 16, 20), SIZE, mode="bilinear")
    return one, one.roll(2, -1)


def small_depth() -> InverseDepth:
    return InverseDepth(Monodepth("lcnet_050", widths=(32, 16, 16, 8, 8)))


MOTIONS = {
    "resnet": lambda: ResNetMotion(intrinsics=PerPair(256)),
    "plain": lambda: ResNetMotion("lcnet_050", attention=False),
    "small": lambda: SmallMotion(intrinsics=PerPair(128)),
    "flow": lambda: FlowMotion(intrinsics=PerPair(128)),
    "solved": lambda: SolvedMotion(small_depth(), OneCamera()),
}


@pytest.mark.parametrize("make", MOTIONS.values(), ids=MOTIONS)
def test_a_motion_network_begins_near_no_motion_and_learns(make: Any):
    network = make()
    motion = network(*images())
    assert motion.later_from_earlier.shape == (2, 4, 4)
    turned = motion.later_from_earlier[:, :3, :3] - torch.eye(3)
    assert turned.abs().max() < 0.2
    rotation = motion.later_from_earlier[:, :3, :3]
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand(2, 3, 3))
    if motion.cameras:
        assert motion.cameras.fx.shape == (2, 2)
    motion.later_from_earlier.square().sum().backward()
    learned = [name for name, one in network.named_parameters() if one.grad is not None]
    assert learned


@pytest.mark.parametrize("make", [PerFrame, OneCamera, ZoomLens, lambda: PerPair(5)])
def test_intrinsics_begin_in_the_middle_and_stay_in_bounds(make: Any):
    head = make()
    cameras = head(*images(), torch.rand(2, 5))
    assert all(one.shape == (2, 2) for one in cameras)
    torch.testing.assert_close(cameras.fx, torch.full((2, 2), 80.0), rtol=0.05, atol=0)
    torch.testing.assert_close(cameras.cx, torch.full((2, 2), 39.5), rtol=0.02, atol=0)
    torch.testing.assert_close(cameras.cy, torch.full((2, 2), 31.5), rtol=0.02, atol=0)


def test_bounds_hold_whatever_the_network_says():
    raw = torch.randn(1000, 4) * 100
    camera = Bounds().camera(raw, (100, 200))
    assert camera.fx.min() >= 0.4 / 1.25**0.5 * 200 - 1e-3
    assert camera.fx.max() <= 2.5 * 1.25**0.5 * 200 + 1e-3
    assert (camera.fx / camera.fy).max() <= 1.25 + 1e-4
    assert (camera.cx - 99.5).abs().max() <= 0.25 * 200 + 1e-3
    assert (camera.cy - 49.5).abs().max() <= 0.25 * 100 + 1e-3
    skew = camera.matrix()[:, 0, 1]
    assert (skew == 0).all()


def test_a_frame_has_the_same_camera_in_all_of_its_pairs():
    head = PerFrame()
    nn.init.normal_(head.frame.last.weight)
    one, other = images()
    first = head(one, other, torch.zeros(2, 0))
    second = head(other, one, torch.zeros(2, 0))
    torch.testing.assert_close(first.fx[:, 0], second.fx[:, 1])
    assert not first.fx[:, 0].allclose(first.fx[:, 1])


def test_a_zoom_lens_has_one_centre_and_many_focal_lengths():
    head = ZoomLens()
    nn.init.normal_(head.focal.last.weight)
    cameras = head(*images(), torch.zeros(2, 0))
    assert cameras.cx.std() == cameras.cy.std() == 0
    assert (cameras.fx / cameras.fy).std() < 1e-5
    assert cameras.fx.std() > 0


def test_inverse_depth_is_the_disparity_in_another_unit():
    network = Monodepth("lcnet_050", widths=(32, 16, 16, 8, 8), initial_disparity=0.1)
    image = images()[0]
    maps = InverseDepth(network.eval(), 0.1, 50.0, scales=2)(image)
    assert [one.size for one in maps] == [(64, 80), (32, 40)]
    assert maps[0].kind is Kind.INVERSE_DEPTH
    assert maps[0].scale is Scale.UP_TO_SCALE
    torch.testing.assert_close(maps[0].values, network(image)[0].values / (0.1 * 50))
    assert 40 < maps[0].to(Kind.DEPTH).values.median() < 60


def test_flow_follows_a_shift_and_knows_where_it_cannot():
    one, _ = images(1)
    flows = DisFlow()(one, one.roll(3, -1))
    inside = flows.there.px[0, :, 8:-8, 8:-8]
    assert (inside[0].median() - 3).abs() < 0.1
    assert inside[1].median().abs() < 0.1
    assert not flows.there.trusted[0, 0, :, -2:].any()  # moved out of the image
    assert flows.there.trusted[0, 0, 8:-8, 8:-8].float().mean() > 0.9


def test_a_flow_that_is_remembered_is_the_same_and_is_found_once():
    one, other = images(2)
    finder = DisFlow(remember=1)
    first, second = finder(one, other), finder(one, other)
    assert torch.equal(first.there.px, DisFlow()(one, other).there.px)
    assert torch.equal(first.back.px, second.back.px)
    assert len(finder.ways.known) == 1


def test_a_learned_flow_begins_with_none():
    flows = LearnedFlow("lcnet_050")(*images())
    assert flows.there.px.abs().max() < 0.05
    assert flows.there.trusted.any()


def lit(depth_before: float, depth_after: float, scale: float) -> Rebuilt:
    """A plane that comes nearer or goes away, ``scale`` times as bright afterwards."""
    image = 0.2 + 0.3 * images(1)[0]
    depth = torch.full((1, 1, *SIZE), depth_before)
    motion = torch.eye(4)[None].clone()
    motion[:, 2, 3] = depth_after - depth_before
    rig = StereoRig(*(one[None] for one in StereoRig.monocular(60.0, 60.0, 39.5, 31.5)))
    # seen from afar the plane shrinks; a still camera with a longer lens keeps the picture
    zoomed = rig._replace(
        fx=rig.fx * depth_after / depth_before, fy=rig.fy * depth_after / depth_before
    )
    source = Source(image * scale, motion, rig, zoomed)
    return rebuild_target(image, None, 1 / depth, (source,)).rebuilt[0]


def test_affine_finds_a_gain_and_an_offset():
    seen = lit(50.0, 50.0, 0.7)
    target = seen.expected
    torch.testing.assert_close(Affine()(target, seen), 0.7 * target, atol=1e-4, rtol=0)
    assert Unchanged()(target, seen) is target


def test_light_falls_with_the_square_of_the_distance():
    seen = lit(50.0, 60.0, 1.0)
    target = seen.expected
    dimmed = InverseSquare(gamma=2.0, adapts=False)(target, seen)
    middle = (dimmed / target)[0, :, 31, 39]
    torch.testing.assert_close(middle, torch.full((3,), 50 / 60), rtol=2e-3, atol=0)


def test_an_appearance_flow_begins_with_no_change_and_changes_only_what_is_seen():
    seen = lit(50.0, 50.0, 0.7)
    model = AppearanceFlow("lcnet_050")
    torch.testing.assert_close(model(seen.expected, seen), seen.expected, atol=1e-2, rtol=0)


def test_a_solved_motion_without_a_camera_says_so():
    with pytest.raises(ConfigError, match="trained with K given"):
        SolvedMotion(small_depth())(*images())


def test_heads_must_divide_the_channels():
    with pytest.raises(ConfigError, match="divide"):
        ResNetMotion(heads=7)
