"""The terms: lowest at the truth, blind where a camera is, and added up as they should be."""

import dataclasses
import logging

import pytest
import torch
from scenes import HEIGHT, WIDTH, plane, rendered, rig_of_one
from torch import Tensor

from m3depth.geometry.surface import draw_pixels
from m3depth.geometry.synthesis import Views, synthesise
from m3depth.log import warn_once
from m3depth.losses.objective import Objective
from m3depth.losses.points.correspondences import NearestOf, projective
from m3depth.losses.points.residuals import (
    Huber,
    point_to_plane,
    point_to_point,
    root_mean_square,
)
from m3depth.losses.points.sampling import Drawn, Lattice
from m3depth.losses.points.transforms import IcpFromOwnFrames, rig
from m3depth.losses.terms import (
    LeftRight,
    PerSample,
    Photometric,
    PointConsistency,
    Smoothness,
    Term,
    mean_where,
)
from m3depth.types import Disparity, Pair, StereoBatch
from m3depth.types.camera import StereoRig

Scene = tuple[StereoBatch, Disparity]
TWO_D = [Photometric(), LeftRight(), Smoothness()]
PAPER = PointConsistency(
    1.0, Drawn(1000), NearestOf(Drawn(1000)), IcpFromOwnFrames(), point_to_point, root_mean_square
)
RIG = PointConsistency(1.0, Lattice(2), projective, rig, point_to_plane, Huber(), seen_px=0.25)
EVERY = [*TWO_D, PAPER, RIG]


@pytest.fixture(scope="module")
def scene() -> Scene:
    return rendered()


def value(term: Term, batch: StereoBatch, *pyramid: Disparity) -> float:
    torch.manual_seed(0)
    return float(term([synthesise(batch, disparity) for disparity in pyramid]).mean())


def noisy(disparity: Tensor) -> Tensor:
    draw = torch.randn(disparity.shape, generator=torch.Generator().manual_seed(5))
    return disparity + 0.5 / disparity.shape[-1] * draw.to(disparity)


CHANGES = {
    "further right": lambda d: d + 1 / d.shape[-1],
    "further left": lambda d: d - 1 / d.shape[-1],
    "scaled": lambda d: 1.1 * d,
    "noisy": noisy,
}


class TestTheTruthScoresLowest:
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize("term", [Photometric(), LeftRight()], ids=repr)
    def test_when_both_disparities_are_off(self, scene: Scene, term: Term, change: str):
        batch, true = scene
        off = Disparity(*(CHANGES[change](one) for one in true.views))
        assert value(term, batch, true) < value(term, batch, off)

    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize(
        "term", [Photometric(), LeftRight(), PAPER, RIG], ids=["2d", "lr", "paper", "rig"]
    )
    def test_when_the_left_disparity_is_off(self, scene: Scene, term: Term, change: str):
        """A common error of both views is what the paper's 3D term cannot see."""
        batch, true = scene
        off = Disparity(CHANGES[change](true.left), true.right)
        assert value(term, batch, true) < value(term, batch, off)

    @pytest.mark.parametrize("change", ["scaled", "noisy"])
    def test_smoothness_dislikes_more_relief(self, scene: Scene, change: str):
        batch, true = scene
        off = Disparity(*(CHANGES[change](one) for one in true.views))
        assert value(Smoothness(), batch, true) < value(Smoothness(), batch, off)

    def test_a_flat_wall_is_perfectly_smooth(self, scene: Scene):
        batch, true = scene
        flat = Disparity(*(torch.full_like(one, 0.05) for one in true.views))
        assert value(Smoothness(), batch, flat) == 0

    def test_the_loss_is_small_in_absolute_terms(self, scene: Scene):
        batch, true = scene
        assert value(Photometric(), batch, true) < 0.01
        assert value(LeftRight(), batch, true) < 0.001


class TestTheBlindRegion:
    def test_its_pixels_change_nothing(self):
        batch, true = plane()
        views = synthesise(batch, true)
        blind = ~views.visible.left
        assert blind.any()
        # two columns in from the blind region, its pixels are in no 3x3 window
        columns = int(blind.any(dim=-2).sum()) - 2
        changed = dataclasses.replace(
            views,
            warped=Pair(garbled(views.warped.left, columns), views.warped.right),
            disparity_warped=Pair(
                garbled(views.disparity_warped.left, columns), views.disparity_warped.right
            ),
        )
        seen = dataclasses.replace(
            views, warped=Pair(garbled(views.warped.left, WIDTH // 2), views.warped.right)
        )
        for term in (Photometric(), LeftRight()):
            torch.testing.assert_close(term([changed]).value, term([views]).value, rtol=0, atol=0)
        assert Photometric()([seen]).value > Photometric()([views]).value

    @pytest.mark.parametrize("term", [PAPER, RIG], ids=["paper", "rig"])
    def test_no_point_is_taken_there(self, term: PointConsistency):
        batch, true = plane()
        views = synthesise(batch, true)
        sides = zip(views.visible, true.views, strict=True)
        wild = Pair(*(torch.where(visible, one, 0.9) for visible, one in sides))
        torch.manual_seed(0)
        expected = term([views]).value
        torch.manual_seed(0)
        found = term([dataclasses.replace(views, disparity=wild)]).value
        torch.testing.assert_close(found, expected)

    def test_a_batch_that_sees_nothing_counts_0_with_gradient_0(self):
        batch, true = plane()
        far = Disparity(*(torch.full_like(one, 2.0).requires_grad_() for one in true.views))
        views = [synthesise(batch, far)]
        assert not views[0].visible.left.any()
        total = Objective({str(i): term for i, term in enumerate(EVERY)})(views).total
        assert total == 0
        total.backward()
        for one in far.views:
            assert one.grad is not None
            assert one.grad.abs().max() == 0

    def test_a_mean_of_nothing_is_0(self):
        values = torch.rand(2, 1, 3, 4, requires_grad=True)
        keep = torch.rand(2, 1, 3, 4) < 0.5
        keep[0] = False
        means = mean_where(values, keep)
        torch.testing.assert_close(means[1], values[1][keep[1]].mean())
        means.sum().backward()
        assert values.grad is not None
        assert means[0] == values.grad[0].abs().max() == 0


def garbled(image: Tensor, columns: int) -> Tensor:
    """New numbers in the first columns, which no other camera sees in the left view."""
    image = image.clone()
    image[..., :columns] = torch.rand_like(image[..., :columns])
    return image


class TestGradients:
    @pytest.mark.parametrize("term", TWO_D, ids=repr)
    def test_of_the_2d_terms_through_the_warp(self, term: Term):
        batch, true = plane()
        part = {"left": batch["left"][..., :6, :10], "right": batch["right"][..., :6, :10]}
        small = StereoBatch(**part, rig=batch["rig"], key=["part"])
        inputs = [(one[..., :6, :10] + 0.004).clone().requires_grad_() for one in true.views]

        def total(left: Tensor, right: Tensor) -> Tensor:
            return term([synthesise(small, Disparity(left, right))]).value

        assert torch.autograd.gradcheck(total, inputs, eps=1e-7, atol=1e-5)

    def test_of_the_papers_3d_term_through_the_whole_of_icp(self):
        batch, true = plane()
        parts = [one[..., :5, :8] for one in true.views]
        inputs = [(one + 0.01 * torch.rand_like(one)).requires_grad_() for one in parts]
        term = dataclasses.replace(PAPER, points=Drawn(12), correspondences=NearestOf(Drawn(12)))
        everywhere = Pair(*(torch.ones(1, 1, 5, 8, dtype=torch.bool) for _ in parts))
        fixed = dataclasses.replace(synthesise(batch, true), visible=everywhere)

        def total(left: Tensor, right: Tensor) -> Tensor:
            torch.manual_seed(0)
            return term([dataclasses.replace(fixed, disparity=Pair(left, right))]).value

        assert total(*inputs).item() > 0.1
        assert torch.autograd.gradcheck(total, inputs, eps=1e-8, atol=1e-3)


class TestPointConsistency:
    @pytest.mark.parametrize("term", [PAPER, RIG], ids=["paper", "rig"])
    def test_is_float32_under_autocast(self, term: PointConsistency):
        batch, true = plane()
        disparity = Pair(*(one.float() for one in true.views))
        single = dataclasses.replace(
            synthesise(batch, true), disparity=disparity, rig=rig_of_one(torch.float32)
        )
        half = dataclasses.replace(single, disparity=Pair(*(d.bfloat16() for d in disparity)))
        torch.manual_seed(0)
        expected = term([single]).value
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.manual_seed(0)
            found = term([single]).value
            of_half = term([half]).value
        assert found.dtype == of_half.dtype == torch.float32
        assert torch.equal(found, expected)

    def test_without_a_calibration_it_is_off_and_says_so_once(
        self, caplog: pytest.LogCaptureFixture
    ):
        batch, true = plane()
        bare = StereoRig.uncalibrated(WIDTH, HEIGHT)
        batch["rig"] = StereoRig(*(v[None].double() for v in bare))
        left = true.left.clone().requires_grad_()
        warn_once.cache_clear()
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                found = PAPER([synthesise(batch, Disparity(left, true.right))])
        assert found.mean() == 0
        assert not found.counted.any()
        assert len(caplog.records) == 1
        assert "no calibration" in caplog.text

    def test_samples_without_a_calibration_are_left_out_of_the_mean(self):
        batch, true = plane()
        rig = batch["rig"]
        both = StereoBatch(
            left=batch["left"].repeat(2, 1, 1, 1),
            right=batch["right"].repeat(2, 1, 1, 1),
            rig=StereoRig(*(v.repeat(2) for v in rig))._replace(
                baseline_mm=torch.tensor([5.0, 0.0], dtype=torch.float64)
            ),
            key=["a", "b"],
        )
        twice = Disparity(*(one.repeat(2, 1, 1, 1) for one in true.views))
        views = synthesise(both, twice)
        torch.manual_seed(0)
        residual_mm, registered = PAPER([views])
        assert registered.tolist() == [True, False]
        assert value(PAPER, both, twice) == pytest.approx(float(residual_mm[0]))

    def test_only_the_finest_scale_counts(self):
        batch, true = plane()
        coarse = Disparity(*(torch.full((1, 1, 12, 20), 0.2).double() for _ in true.views))
        assert value(PAPER, batch, true, coarse) == value(PAPER, batch, true)
        assert value(Photometric(), batch, true, coarse) > value(Photometric(), batch, true)


class TestDrawPixels:
    def test_every_visible_pixel_is_as_likely(self):
        visible = torch.rand(2, 1, 5, 8) < 0.4
        index, usable = draw_pixels(visible, 40_000)
        assert usable.all()
        for sample in range(2):
            counts = torch.bincount(index[sample], minlength=40)
            seen = visible[sample].flatten()
            assert counts[~seen].sum() == 0
            share = counts[seen] / counts.sum() * seen.sum()
            assert share.min() > 0.85
            assert share.max() < 1.15

    def test_first_and_last_pixel_and_single_ones(self):
        for pixels in ([0, 1, 2], [0, 17, 39]):
            visible = torch.zeros(1, 1, 5, 8, dtype=torch.bool)
            visible.view(-1)[pixels] = True
            index, usable = draw_pixels(visible, 100)
            assert index.unique().tolist() == pixels
            assert usable.all()

    @pytest.mark.parametrize("few", [0, 1, 2])
    def test_a_sample_that_sees_fewer_than_three_has_no_usable_pixel(self, few: int):
        visible = torch.zeros(2, 1, 5, 8, dtype=torch.bool)
        visible[0, 0, 3, :few] = True
        visible[1] = True
        index, usable = draw_pixels(visible, 50)
        assert not usable[0].any()
        assert usable[1].all()
        assert ((index >= 0) & (index < 40)).all()


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A term of a given value."""

    weight: float
    value: list[float]
    counted: list[bool]

    def __call__(self, pyramid: list[Views]) -> PerSample:
        value = torch.tensor(self.value, dtype=torch.float64, requires_grad=True)
        return PerSample(value, torch.tensor(self.counted))


class TestSums:
    def test_the_objective_weighs_and_adds(self):
        one = Fixed(2.0, [3.0, 9.0, 3.0], [True, False, True])
        other = Fixed(0.5, [4.0, 5.0, 3.0], [True, True, True])
        result = Objective({"a": one, "b": other})([])
        assert result.total.item() == 8.0
        assert {name: float(v) for name, v in result.terms.items()} == {"a": 6.0, "b": 2.0}
        assert result.total.requires_grad
        assert not any(v.requires_grad for v in result.terms.values())
        assert result.left_out == 1

    @pytest.mark.parametrize("term", [Photometric(), LeftRight()], ids=repr)
    def test_scales_are_added(self, term: Term):
        batch, true = plane()
        coarse = Disparity(*(torch.nn.functional.avg_pool2d(one, 2) for one in true.views))
        both = value(term, batch, true, coarse)
        assert both == pytest.approx(value(term, batch, true) + value(term, batch, coarse))

    def test_smoothness_is_halved_at_each_coarser_scale(self):
        batch, true = plane()
        once = value(Smoothness(), batch, true)
        assert value(Smoothness(), batch, true, true, true) == pytest.approx(1.75 * once)

    @pytest.mark.parametrize("term", TWO_D, ids=repr)
    def test_views_are_added(self, term: Term):
        batch, true = plane()
        views = synthesise(batch, true)
        sides = [one_sided(views, side) for side in (0, 1)]
        halves = sum(float(term([side]).value) for side in sides) / 2
        assert float(term([views]).value) == pytest.approx(halves)


def one_sided(views: Views, side: int) -> Views:
    names = ("image", "warped", "visible", "comparable", "disparity", "disparity_warped")
    same = {name: Pair(*[getattr(views, name)[side]] * 2) for name in names}
    return dataclasses.replace(views, **same)


class TestSynthesis:
    def test_the_true_disparity_rebuilds_both_views(self, scene: Scene):
        batch, true = scene
        views = synthesise(batch, true)
        for image, warped, visible in zip(views.image, views.warped, views.visible, strict=True):
            error = (image - warped).abs().mean(1, keepdim=True)[visible]
            assert error.median() < 0.005

    @pytest.mark.parametrize("factor", [2, 4, 8])
    def test_a_coarser_scale_is_the_same_scene(self, factor: int):
        batch, true = plane()
        size = (HEIGHT // factor, WIDTH // factor)
        coarse = Disparity(*(torch.nn.functional.avg_pool2d(one, factor) for one in true.views))
        views = synthesise(batch, coarse)
        assert views.image.left.shape[-2:] == size
        torch.testing.assert_close(
            views.image.left, torch.nn.functional.avg_pool2d(batch["left"], factor)
        )
        assert float(views.rig.fx) == pytest.approx(float(batch["rig"].fx) / factor)
        visible = views.visible.left
        assert left_right_error(views)[visible].max() < 1e-9


def left_right_error(views: Views) -> Tensor:
    return (views.disparity.left - views.disparity_warped.left).abs()
