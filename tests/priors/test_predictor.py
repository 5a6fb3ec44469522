"""From an image to a prior: resolutions and units."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.points import project
from m3depth.log import warn_once
from m3depth.networks.finest import Finest
from m3depth.networks.monodepth import Monodepth
from m3depth.priors.predictor import DepthPredictor
from m3depth.priors.prior import DepthPrior
from m3depth.sources.network import NetworkSource
from m3depth.sources.together import one_by_one
from m3depth.types import DepthMap, Kind, Scale, StereoBatch, StereoRig

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
RIG = StereoRig.of(60.0, 60.0, 31.0, 24.0, 29.0, 4.5)  # principal points 2 px apart at 64x48


def constant(left: float):
    def network(images: torch.Tensor) -> DepthMap:
        assert images.shape[1:] == (3, 24, 32)
        one = torch.ones(len(images), 1, *images.shape[-2:])
        return DepthMap(one * left, Kind.FRACTION, error=one * 0.01)

    return network


def predictor(*given: Any, **options: Any) -> DepthPredictor:
    return DepthPredictor(NetworkSource(*given, **options))


def test_depth_is_in_millimetres_at_the_images_own_resolution() -> None:
    predict = predictor(constant(0.125), (24, 32), RIG, (48, 64))
    image = torch.rand(3, 96, 128)
    prior = predict("a/0", image)
    assert prior.key == "a/0"
    assert torch.equal(prior.image, image)
    assert prior.rig.fx == 120
    assert torch.allclose(prior.disparity_px, torch.full((1, 96, 128), 16.0))
    expected = 4.5 * 120 / (16 - 2 * 2)  # b·f / (d - the principal points' distance)
    assert torch.allclose(prior.depth_mm, torch.full((1, 96, 128), expected))


def test_depth_does_not_depend_on_the_resolution_that_the_image_comes_in() -> None:
    predict = predictor(constant(0.1), (24, 32), RIG, (48, 64))
    small, large = predict("s", torch.rand(3, 48, 64)), predict("l", torch.rand(3, 480, 640))
    assert torch.allclose(small.depth_mm[0, 0, 0], large.depth_mm[0, 0, 0])
    point = torch.tensor([[[3.0, 2.0, 50.0]]])
    pixels = [project(point, StereoRig(*(v[None] for v in p.rig)))[0, 0] for p in (small, large)]
    assert torch.allclose((pixels[0] + 0.5) * 10 - 0.5, pixels[1], atol=1e-3)


def test_a_frames_own_rig_goes_before_the_predictors() -> None:
    predict = predictor(constant(0.1), (24, 32), RIG, (48, 64))
    own = RIG._replace(baseline_mm=torch.tensor(9.0))
    image = torch.rand(3, 48, 64)
    assert torch.allclose(predict("a", image, own).depth_mm, 2 * predict("a", image).depth_mm)


def test_without_calibration_there_is_disparity_and_no_depth() -> None:
    rig = StereoRig.uncalibrated(64, 48)
    prior = predictor(constant(0.1), (24, 32), rig, (48, 64))("a", torch.rand(3, 48, 64))
    assert (prior.disparity_px > 0).all()
    assert not prior.depth_mm.any()
    with pytest.raises(DataError, match=r"a: no calibration, .* rig=PATH"):
        prior.require_millimetres()


def test_an_image_of_another_shape_is_refused() -> None:
    predict = predictor(constant(0.1), (24, 32), RIG, (48, 64))
    with pytest.raises(DataError, match="x/7: the image is 64x64, the rig is for 64x48"):
        predict("x/7", torch.rand(3, 64, 64))


def test_a_network_that_tells_no_error_has_no_confidence() -> None:
    def network(images: torch.Tensor) -> DepthMap:
        return replace(constant(0.1)(images), error=None)

    prior = predictor(network, (24, 32), RIG, (48, 64))("a", torch.rand(3, 48, 64))
    told = predictor(constant(0.1), (24, 32), RIG, (48, 64))("a", torch.rand(3, 48, 64))
    assert prior.confidence is None
    assert torch.equal(prior.depth_mm, told.depth_mm)


def metric(scale: Scale = Scale.METRIC) -> DepthPredictor:
    """50 mm everywhere, give or take 2, by a camera without a baseline."""

    def network(images: torch.Tensor) -> DepthMap:
        fifty = torch.full_like(images[:, :1], 50.0)
        return DepthMap(fifty, Kind.DEPTH, scale, error=fifty / 25)

    return predictor(network, (24, 32), StereoRig.monocular(60, 60, 32, 24), (48, 64))


def test_a_network_that_gives_millimetres_needs_no_baseline() -> None:
    prior = metric()("a", torch.rand(3, 48, 64))
    assert prior.in_millimetres
    assert prior.disparity_px is None
    assert torch.equal(prior.depth_mm, torch.full((1, 48, 64), 50.0))
    torch.testing.assert_close(prior.confidence, torch.full((1, 48, 64), 1 - math.exp(-1)))


@pytest.mark.parametrize("scale", [Scale.UP_TO_SCALE, Scale.UP_TO_SCALE_AND_SHIFT])
def test_a_relative_map_is_not_taken_for_millimetres(scale: Scale) -> None:
    with pytest.raises(DataError, match="millimetres are asked for, and this depth is known up"):
        metric(scale)("a", torch.rand(3, 48, 64))


def trained(batch_size: int) -> DepthPredictor:
    torch.manual_seed(0)
    network = Finest(Monodepth("resnet10t", widths=(16, 16, 8, 8, 8)))
    return predictor(network, (24, 32), RIG, (48, 64), batch_size=batch_size)


def views(*heights: int) -> list[StereoBatch]:
    return [view(f"v/{i}", torch.rand(3, h, h * 4 // 3)) for i, h in enumerate(heights)]


def view(key: str, image: torch.Tensor) -> StereoBatch:
    return {"key": key, "left": image}


@pytest.mark.parametrize("batch_size", [2, 3, 8])
def test_frames_of_any_sizes_together_are_what_they_are_alone(batch_size: int) -> None:
    seen = views(48, 96, 24, 48, 60)
    alone = [trained(1)(one["key"], one["left"]) for one in seen]
    found = trained(batch_size).together(seen)
    assert [prior.key for prior in found] == [one["key"] for one in seen]
    for one, other in zip(alone, found, strict=True):
        assert other.depth_mm.shape == one.depth_mm.shape
        assert other.depth_mm.std() > 0
        for name in ("depth_mm", "disparity_px", "confidence"):
            torch.testing.assert_close(getattr(other, name), getattr(one, name), **CLOSE)


def test_a_frame_does_not_depend_on_those_beside_it_to_the_last_bit() -> None:
    predict, seen = trained(4), views(48, 48, 48, 48, 48)
    whole = predict.together(seen)
    again = [*predict.together(seen[3:]), *predict.together(seen[:3])]
    for one, other in zip(whole, again[2:] + again[:2], strict=True):
        assert torch.equal(one.depth_mm, other.depth_mm)


def test_every_pass_has_the_size_of_a_batch() -> None:
    passes = []

    def network(images: torch.Tensor) -> DepthMap:
        passes.append(len(images))
        return constant(0.1)(images)

    assert len(predictor(network, (24, 32), RIG, (48, 64), batch_size=3).together(views(48)))
    predictor(network, (24, 32), RIG, (48, 64), batch_size=3).together(views(*[48] * 7))
    assert passes == [3, 3, 3, 3]


def test_only_the_frame_that_cannot_be_had_fails() -> None:
    predict = predictor(constant(0.1), (24, 32), RIG, (48, 64), batch_size=4)
    seen = views(48, 96, 48)
    seen[1] = view("bad", torch.rand(3, 48, 48))
    first, error, last = one_by_one(predict.together, seen)
    assert isinstance(error, DataError)
    assert "bad: the image is 48x48, the rig is for 64x48" in str(error)
    assert isinstance(first, DepthPrior)
    assert isinstance(last, DepthPrior)
    assert (first.key, last.key) == ("v/0", "v/2")


def test_a_batch_of_none() -> None:
    with pytest.raises(ConfigError, match="batch_size=0: expected a whole number from 1"):
        trained(0)


def test_a_grey_picture_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    warn_once.cache_clear()
    predict = predictor(constant(0.1), (24, 32), RIG, (48, 64))
    predict([torch.rand(3, 48, 64), torch.zeros(3, 48, 64)])
    assert "grey" not in caplog.text  # that this network's depth has no relief is told as well
    predict(torch.rand(1, 48, 64).expand(3, -1, -1), key="old")
    assert "old: a grey picture: a network that was trained on colours" in caplog.text
