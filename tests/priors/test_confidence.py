"""A confidence is the probability of being right to within 2 mm."""

import math
from dataclasses import replace

import pytest
import torch

from m3depth.geometry.confidence import WITHIN_MM, confidence, confidence_of
from m3depth.types import DepthMap, Kind
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity

RIG = StereoRig.of(300.0, 300.0, 160.0, 128.0, 156.0, 4.5)
SIZE = (1, 1, 12, 16)
ONE = StereoRig(*(value[None] for value in RIG))


def laplace(count: int, scale: float) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.distributions.Laplace(0.0, scale).sample((1, 1, count))


@pytest.mark.parametrize("disparity_px", [14.0, 20.0, 35.0])
@pytest.mark.parametrize("error_px", [0.2, 1.0])
def test_so_many_depths_are_right(disparity_px: float, error_px: float):
    """200,000 true disparities about the predicted one, turned into depths."""
    predicted = torch.full((1, 1, 1), disparity_px)
    found = confidence(predicted, torch.full_like(predicted, error_px), RIG).item()
    true_mm = depth_from_disparity(predicted + laplace(200_000, error_px), RIG)
    off_mm = (true_mm - depth_from_disparity(predicted, RIG)).abs()
    right = ((off_mm <= WITHIN_MM) & (true_mm > 0)).float().mean().item()
    assert found == pytest.approx(right, abs=0.005)


def test_without_a_calibration_it_is_of_one_pixel():
    bare = StereoRig.uncalibrated(320, 256)
    predicted = torch.full((1, 1, 1), 20.0)
    found = confidence(predicted, torch.full_like(predicted, 0.5), bare)
    assert found.item() == pytest.approx(1 - torch.tensor(-2.0).exp().item())


def test_a_depth_that_is_not_known_has_none():
    nowhere = torch.tensor([[[3.0, 4.0, 20.0]]])  # infinity is at 4 px
    found = confidence(nowhere, torch.ones_like(nowhere), RIG)
    assert found[0, 0, :2].tolist() == [0.0, 0.0]
    assert found[0, 0, 2] > 0


def test_it_grows_with_certainty_and_falls_with_distance():
    axes = torch.linspace(12, 40, 9), torch.linspace(0.3, 3, 9)
    disparity, error = torch.meshgrid(*axes, indexing="ij")
    found = confidence(disparity[None].double(), error[None].double(), RIG)[0]
    assert (found.diff(dim=0) > 0).all()
    assert (found.diff(dim=1) < 0).all()
    assert 0 < found.min() < found.max() < 1


def test_of_a_map_it_is_that_of_its_numbers() -> None:
    disparity_px, error_px = torch.full(SIZE, 6.0), torch.full(SIZE, 0.3)
    found = DepthMap(disparity_px, Kind.DISPARITY, camera=ONE, error=error_px)
    assert torch.equal(confidence_of(found), confidence(disparity_px, error_px, ONE))
    known = torch.rand(SIZE) > 0.5
    assert torch.equal(confidence_of(replace(found, known=known)) > 0, known)
    assert confidence_of(replace(found, error=None)) is None


@pytest.mark.parametrize("offset_px", [0.0, 2.0])
def test_a_deviation_of_the_scale_makes_it_less_alike_in_every_form(offset_px: float) -> None:
    camera = StereoRig.of(100.0, 100.0, 8.0, 6.0, 8.0 - offset_px, 4.5)
    camera = StereoRig(*(value[None] for value in camera))
    depth_mm, told = torch.full(SIZE, 60.0), torch.tensor([0.05])
    depth = DepthMap(depth_mm, Kind.DEPTH, camera=camera, error=torch.full(SIZE, 1.5))
    unsure = replace(depth, scale_deviation=told)
    # a normal factor with a deviation of 3 mm: its mean absolute error, and 1.5 mm, as squares
    both_mm = math.hypot(1.5, 3.0 * math.sqrt(2 / math.pi))
    assert float(confidence_of(unsure)[0, 0, 0, 0]) == pytest.approx(1 - math.exp(-2 / both_mm))
    assert bool((confidence_of(unsure) < confidence_of(depth)).all())
    pixels = confidence_of(unsure.to(Kind.DISPARITY))
    assert torch.allclose(pixels, confidence_of(unsure), atol=2e-3)


def test_each_image_has_its_own_scale() -> None:
    depth_mm = torch.full((2, *SIZE[1:]), 60.0)
    told = torch.tensor([0.01, 0.3])
    found = DepthMap(depth_mm, Kind.DEPTH, error=torch.ones_like(depth_mm), scale_deviation=told)
    first, second = confidence_of(found)
    assert float(first.mean()) > 2 * float(second.mean())
