"""The measured error, and a scale that is learned from it."""

import dataclasses

import pytest
import torch
from scenes import rendered
from torch import Tensor

from m3depth.geometry.synthesis import both_views, synthesise
from m3depth.losses.expected_error import ExpectedError
from m3depth.matching.ncc import measured_error
from m3depth.networks.monodepth import Monodepth
from m3depth.types import Disparity, StereoBatch


@pytest.fixture(scope="module")
def scene() -> tuple[StereoBatch, Disparity]:
    batch, true = rendered()
    return batch, Disparity(*(one.float() for one in true.views))


@pytest.mark.parametrize("off_px", [-2.0, -0.7, 0.0, 0.4, 1.5])
def test_an_error_of_the_disparity_is_measured(scene, off_px: float):
    batch, true = scene
    left, right = batch["left"].float(), batch["right"].float()
    disparity_px = true.left.shape[-1] * true.left + off_px
    error_px, known = measured_error(left, right, disparity_px, reach_px=4)
    assert known.float().mean() > 0.3
    assert (error_px + off_px)[known].abs().median() < 0.15


def test_what_the_right_view_does_not_show_is_not_measured():
    torch.manual_seed(0)
    left = torch.rand(1, 3, 20, 40)
    _, known = measured_error(left, left.roll(-6, dims=-1), torch.full((1, 1, 20, 40), 6.0), 3)
    assert known[..., 10:].all()
    assert not known[..., :5].any()


def test_no_texture_no_measurement():
    grey = torch.full((1, 3, 20, 40), 0.5)
    _, known = measured_error(grey, grey, torch.full((1, 1, 20, 40), 5.0), reach_px=3)
    assert not known.any()


def test_what_is_off_by_more_than_the_reach_is_not_told(scene):
    batch, true = scene
    left, right = batch["left"].float(), batch["right"].float()
    disparity_px = true.left.shape[-1] * true.left + 6.0
    _, at_truth = measured_error(left, right, disparity_px - 6.0, reach_px=3)
    _, known = measured_error(left, right, disparity_px, reach_px=3)
    assert known.float().mean() < 0.4 * at_truth.float().mean()


def test_the_best_scale_is_the_mean_absolute_error(scene):
    batch, true = scene
    width = true.left.shape[-1]
    torch.manual_seed(0)
    noise_px = 0.8 * torch.randn(1, 1, 1, 1)
    wrong = true._replace(left=true.left + noise_px / width)
    term = ExpectedError(rows=1.0, reach=4 / width)

    def cost(scale_px: float) -> float:
        views = synthesise(
            batch, wrong._replace(error=torch.full_like(true.left, scale_px / width))
        )
        return float(term([views]).mean())

    error_px, known = measured_error(
        batch["left"].float(), batch["right"].float(), width * wrong.left, 4
    )
    best = error_px[known].abs().mean().item()
    assert cost(best) < min(cost(0.9 * best), cost(1.1 * best))


def test_the_disparities_learn_nothing_from_it(scene):
    batch, _ = scene
    torch.manual_seed(0)
    network = Monodepth("resnet10t", widths=(16, 16, 8, 8, 8))
    views = synthesise(batch, both_views(network(batch["left"].float())[0], batch))
    ExpectedError(rows=1.0, reach=0.1)([views]).mean().backward()
    moved = {name for name, one in network.named_parameters() if one.grad is not None}
    assert moved
    assert all(name.startswith("error.") for name in moved)


def test_a_picture_of_less_width_than_the_reach_has_pixels_is_measured_too(scene):
    batch, true = scene
    width = true.left.shape[-1]
    views = synthesise(batch, true._replace(error=torch.full_like(true.left, 0.01)))
    assert ExpectedError(rows=1.0, reach=0.4 / width)([views]).mean() != 0


def test_a_batch_without_texture_counts_0():
    grey = torch.full((2, 3, 20, 40), 0.5)
    scale = torch.full((2, 1, 20, 40), 0.01).requires_grad_()
    disparity: Tensor = torch.full((2, 1, 20, 40), 0.1)
    batch = rendered()[0]
    rig = type(batch["rig"])(*(value.repeat(2).float() for value in batch["rig"]))
    pair = StereoBatch(left=grey, right=grey, rig=rig, key=["a", "b"])
    views = synthesise(pair, Disparity(disparity, disparity, scale))
    found = ExpectedError()([views])
    assert found.mean() == 0
    found.mean().backward()
    assert scale.grad is not None
    assert scale.grad.abs().max() == 0
    assert ExpectedError()([dataclasses.replace(views, error=None)]).mean() == 0
