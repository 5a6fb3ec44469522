"""The parts of the 3D term, and what its presets see."""

import dataclasses
from functools import cache

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import Tensor

from m3depth.cli.configuration import configuration
from m3depth.data.synthetic import SyntheticPairs
from m3depth.geometry.surface import Cloud, surfaces
from m3depth.geometry.synthesis import Views, synthesise
from m3depth.losses.points.correspondences import (
    NearestInWindow,
    NearestOf,
    nearest_of,
    projective,
)
from m3depth.losses.points.residuals import (
    Huber,
    point_to_plane,
    point_to_point,
    root_mean_square,
)
from m3depth.losses.points.sampling import Drawn, Lattice
from m3depth.losses.points.transforms import Icp, IcpFromOwnFrames, IcpNearRig, rig
from m3depth.losses.terms import LeftRight, Photometric, PointConsistency
from m3depth.types import Disparity, Pair, StereoBatch
from m3depth.types.camera import StereoRig

SIZE = (128, 160)


@cache
def preset(objective: str) -> PointConsistency:
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("train", overrides=[f"objective={objective}"])
    return dataclasses.replace(instantiate(config.objective).terms["icp"], weight=1.0)


@cache
def scene(tools: bool) -> tuple[StereoBatch, Disparity]:
    """Two built-in scenes and their true disparities."""
    pairs = SyntheticPairs("test", 2, SIZE, cache=False, tools=tools, highlights=False, noise=False)
    view = pairs.render([0, 1])
    rig_here = StereoRig(*(value.clone() for value in view.rig))
    left, right = (one.clone() for one in view.image)
    batch = StereoBatch(left=left, right=right, rig=rig_here, key=["0", "1"])
    return batch, Disparity(*(one.clone() / SIZE[1] for one in view.disparity_px))


def smooth_error() -> Tensor:
    """A field of root mean square 1 that changes slowly over the image."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in SIZE), indexing="ij")
    field = (3 * x + 1).sin() * (2.5 * y).cos() + 0.5 * (2 * y - x).sin()
    return (field / field.square().mean().sqrt())[None, None]


def value(term: PointConsistency, left: Tensor, right: Tensor, tools: bool = False) -> Tensor:
    torch.manual_seed(0)
    return term([synthesise(scene(tools)[0], Disparity(left, right))]).mean()


def cosine(term: PointConsistency, error_px: float) -> float:
    """Of the gradient with an error of the left disparities, where there is a gradient."""
    _, true = scene(tools=False)
    error = smooth_error().expand_as(true.left)
    left = (true.left + error_px / SIZE[1] * error).requires_grad_()
    value(term, left, true.right).backward()
    assert left.grad is not None
    there = left.grad != 0
    return torch.cosine_similarity(left.grad[there], error[there], dim=0).item()


class TestWhatThePresetsSee:
    @pytest.mark.parametrize(("tools", "most_mm"), [(False, 0.02), (True, 0.1)])
    def test_the_true_surfaces_are_one(self, tools: bool, most_mm: float):
        _, true = scene(tools)
        assert value(preset("rig"), *true.views, tools=tools) < most_mm
        assert (
            value(preset("m3depth"), *true.views, tools=tools) > 1.0
        )  # the published term's floor

    @pytest.mark.parametrize(("error_px", "least"), [(0.1, 0.8), (0.5, 0.8), (2.0, 0.65)])
    def test_its_gradient_points_along_a_smooth_error(self, error_px: float, least: float):
        assert cosine(preset("rig"), error_px) > least
        assert cosine(preset("m3depth"), error_px) < cosine(preset("rig"), error_px)

    def test_an_offset_of_one_view_is_seen(self):
        _, true = scene(tools=False)
        off = true.left + 0.5 / SIZE[1]
        seen = value(preset("rig"), off, true.right) / value(preset("rig"), *true.views)
        hardly = value(preset("m3depth"), off, true.right) / value(preset("m3depth"), *true.views)
        assert seen > 10
        assert hardly < 1.2

    def test_a_price_on_leaving_the_rig_makes_icp_see_it(self):
        _, true = scene(tools=False)
        off = true.left + 0.5 / SIZE[1]
        term = preset("m3depth")
        near = dataclasses.replace(term, transform=IcpNearRig())
        gains = [
            value(one, off, true.right) - value(one, true.left, true.right) for one in (term, near)
        ]
        assert gains[1] > 1.0
        assert gains[1] > 3 * gains[0]

    def test_what_neither_3d_nor_left_right_can_see_is_common_to_both_views(self):
        """A surface that is wrong in both views alike is still one surface."""
        batch, true = scene(tools=False)
        plane = [torch.full_like(one, 8.0 / SIZE[1]) for one in true.views]
        assert value(preset("rig"), *plane) < 1e-3
        assert LeftRight()([synthesise(batch, Disparity(*plane))]).mean() < 1e-6

    def test_the_gradient_is_the_slope_along_an_error(self):
        """The look-up and the normals are held fixed: exact where surfaces are planes. The step
        is large because points come and go."""
        _, true = scene(tools=False)
        error, step = smooth_error() / SIZE[1], 0.1
        left = (true.left + 0.5 * error).requires_grad_()
        value(preset("rig"), left, true.right).backward()
        assert left.grad is not None
        predicted = (left.grad * error).sum().item()
        ends = [
            value(preset("rig"), left.detach() + sign * step * error, true.right).item()
            for sign in (-1, 1)
        ]
        assert predicted == pytest.approx((ends[1] - ends[0]) / (2 * step), rel=0.02)


def test_what_a_tool_hides_can_be_left_out_of_the_photometric_term():
    """Behind the tool the other view shows the tool: no disparity explains that."""
    batch, true = scene(tools=True)
    views = [synthesise(batch, true)]
    with_hidden, without = (Photometric(seen_px=px)(views).mean() for px in (None, 0.25))
    assert without < 0.8 * with_hidden


class TestCorrespondences:
    def clouds(self) -> tuple[Cloud, Views]:
        batch, true = scene(tools=True)
        views = synthesise(batch, true)
        left, _ = surfaces(views.disparity, views.visible, views.rig)
        return left.drawn(300), views

    def test_the_window_finds_the_nearest_of_all(self):
        source, views = self.clouds()
        _, right = surfaces(views.disparity, views.visible, views.rig)
        shifted = source._replace(points=source.points + torch.tensor([0.3, -0.2, 0.4]))
        found, every = NearestInWindow(4, 4)(right)(shifted), right.lattice()
        distance = torch.cdist(shifted.points.double(), every.points.double())
        least = distance.masked_fill(~every.valid[:, None], torch.inf).min(-1).values
        gap = point_to_point(shifted, found).double() - least
        assert found.valid.all()
        assert gap.min() > -1e-3
        assert (gap < 1e-3).float().mean() > 0.98  # the rest: at tools, beyond the window

    def test_the_projected_point_is_on_the_ray_of_the_source_point(self):
        source, views = self.clouds()
        _, right = surfaces(views.disparity, views.visible, views.rig)
        found = projective(right)(source)
        for one, other in zip(
            right.project(found.points), right.project(source.points), strict=True
        ):
            torch.testing.assert_close(one[found.valid], other[found.valid], rtol=0, atol=1e-2)

    def test_a_cloud_of_two_points_has_no_shape_to_compare_with(self):
        source, _ = self.clouds()
        few = source._replace(valid=torch.zeros_like(source.valid))
        few.valid[:, :2] = True
        assert not nearest_of(few)(source).valid.any()
        few.valid[:, :3] = True
        assert nearest_of(few)(source).valid.all()


class TestResiduals:
    def test_known_distances(self):
        there = torch.ones(1, 1, dtype=torch.bool)
        up, tilted = torch.tensor([[[0.0, 0, -1]]]), torch.tensor([[[0.0, -0.6, -0.8]]])
        one = Cloud(torch.tensor([[[3.0, 4.0, 12.0]]]), tilted, there)
        other = Cloud(torch.zeros(1, 1, 3), up, there)
        assert point_to_point(one, other).item() == 13
        assert point_to_plane(one, other).item() == -12

    def test_reductions_of_known_distances(self):
        distance = torch.tensor([[3.0, -4.0, 9.0], [1.0, 1.0, 1.0]])
        valid = torch.tensor([[True, True, False], [False, False, False]])
        torch.testing.assert_close(
            root_mean_square(distance, valid), torch.tensor([12.5**0.5, 0.0])
        )
        torch.testing.assert_close(Huber(2.0)(distance, valid), torch.tensor([2.5, 0.0]))
        torch.testing.assert_close(Huber(2.0, 3.5)(distance, valid), torch.tensor([2.0, 0.0]))
        torch.testing.assert_close(Huber(8.0)(distance, valid)[0], torch.tensor(12.5 / 16))


def flat(views: Views) -> Pair:
    return Pair(*(torch.full_like(one, 0.05) for one in views.disparity))


def with_nan(views: Views) -> Pair:
    spoilt = Pair(*(one.detach().clone() for one in views.disparity))
    for one in spoilt:
        one[..., 40:50, 40:50] = torch.nan
    return spoilt


def far(views: Views) -> Pair:
    return Pair(*(one * 0 + 0.05 / 130 for one in views.disparity))  # about 10 m


def nowhere(views: Views) -> Pair:
    return Pair(*(torch.zeros_like(one) for one in views.disparity))


def half(views: Views) -> Pair:
    return Pair(*(one.half() for one in views.disparity))


def wild(views: Views) -> Pair:
    return Pair(*(0.3 * torch.rand_like(one) for one in views.disparity))


TERMS = {
    "paper": PointConsistency(
        1.0,
        Drawn(200),
        NearestOf(Drawn(200)),
        IcpFromOwnFrames(5),
        point_to_point,
        root_mean_square,
    ),
    "plane after icp": PointConsistency(
        1.0,
        Drawn(200),
        NearestOf(Drawn(200)),
        Icp(5),
        point_to_plane,
        root_mean_square,
    ),
    "window": PointConsistency(1.0, Drawn(200), NearestInWindow(), rig, point_to_plane, Huber()),
    "rig": PointConsistency(
        1.0, Lattice(1), projective, rig, point_to_plane, Huber(), seen_px=0.25
    ),
}


@pytest.mark.parametrize("disparities", [flat, with_nan, far, nowhere, half, wild])
@pytest.mark.parametrize("term", TERMS)
def test_value_and_gradient_are_finite_whatever_the_disparities(term: str, disparities):
    batch, true = scene(tools=True)
    views = synthesise(batch, true)
    leaves = Pair(*(one.requires_grad_() for one in disparities(views)))
    found = TERMS[term]([dataclasses.replace(views, disparity=leaves)]).mean()
    assert found.isfinite()
    if found.requires_grad:
        found.backward()
    for one in leaves:
        assert one.grad is None or one.grad.isfinite().all()


@pytest.mark.parametrize("seen", [0, 1, 2])
@pytest.mark.parametrize("term", TERMS)
def test_a_sample_with_fewer_than_three_points_is_left_out(term: str, seen: int):
    batch, true = scene(tools=False)
    views = synthesise(batch, true)
    few = torch.zeros_like(views.visible.left)
    few[0] = views.visible.left[0]
    few[1, 0, 60, 70 : 70 + seen] = True
    left = views.disparity.left.clone().requires_grad_()
    changed = dataclasses.replace(
        views, visible=Pair(few, views.visible.right), disparity=Pair(left, views.disparity.right)
    )
    residual_mm, registered = TERMS[term]([changed])
    assert registered.tolist() == [True, False]
    assert residual_mm[1] == 0
    TERMS[term]([changed]).mean().backward()
    assert left.grad is not None
    assert left.grad.isfinite().all()


@pytest.mark.parametrize("baseline_mm", [torch.nan, torch.inf, -4.0])
@pytest.mark.parametrize("term", TERMS)
def test_a_sample_whose_calibration_is_no_number_is_left_out(term: str, baseline_mm: float):
    """Where points are NaN, torch's backward pass through a look-up ends the process."""
    batch, true = scene(tools=False)
    views = synthesise(batch, true)
    leaves = Pair(*(one.detach().clone().requires_grad_() for one in views.disparity))
    rigs = views.rig._replace(
        baseline_mm=torch.stack([views.rig.baseline_mm[0], torch.tensor(baseline_mm)])
    )
    found = TERMS[term]([dataclasses.replace(views, disparity=leaves, rig=rigs)])
    assert found.counted.tolist() == [True, False]
    found.mean().backward()
    for one in leaves:
        assert one.grad is not None
        assert one.grad.isfinite().all()
        assert one.grad[1].abs().sum() == 0


@pytest.mark.parametrize("term", TERMS)
def test_float32_keeps_four_digits(term: str):
    """The same views, points and matches in both precisions."""
    batch, true = scene(tools=True)
    error = 0.5 / SIZE[1] * smooth_error()
    views = synthesise(batch, Disparity(true.left + error, true.right))
    found = []
    for dtype in (torch.float32, torch.float64):
        torch.manual_seed(0)
        single = dataclasses.replace(
            views,
            disparity=Pair(*(one.to(dtype) for one in views.disparity)),
            rig=StereoRig(*(one.to(dtype) for one in views.rig)),
        )
        found.append(TERMS[term]([single]).value.double())
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=0)


@pytest.mark.parametrize("term", TERMS)
def test_a_gpu_need_not_wait_for_the_host(term: str):
    """On the device "meta" there are no values: to ask for one is an error."""
    batch, true = scene(tools=True)
    there = {k: v.to("meta") for k, v in batch.items() if isinstance(v, Tensor)}
    rig_there = StereoRig(*(v.to("meta") for v in batch["rig"]))
    disparity = Disparity(*(one.to("meta").requires_grad_() for one in true.views))
    views = synthesise(StereoBatch(**there, rig=rig_there, key=batch["key"]), disparity)
    TERMS[term].residual_mm(views).mean().backward()
