"""The mean over neighbouring frames: what it evens out, and what it must leave alone."""

from dataclasses import replace

import pytest
import torch
from prior_scenes import a_prior

from m3depth.errors import ConfigError
from m3depth.priors.prior import DepthPrior
from m3depth.priors.recentre import resized
from m3depth.priors.smoothing import TemporalMean
from m3depth.types.disparity import depth_from_disparity


def sheet(depth_mm: float, colour: float = 0.5, confidence: float = 0.8) -> DepthPrior:
    prior = a_prior(0)
    one = torch.ones_like(prior.depth_mm)
    image = torch.full_like(prior.image, colour)
    return replace(prior, image=image, depth_mm=depth_mm * one, confidence=confidence * one)


def test_still_pixels_get_the_mean_inverse_depth_and_disparity_goes_along() -> None:
    found = TemporalMean(1)(sheet(50), [sheet(40), sheet(60)])
    expected = 3 / (1 / 40 + 1 / 50 + 1 / 60)
    torch.testing.assert_close(found.depth_mm, torch.full_like(found.depth_mm, expected))
    torch.testing.assert_close(depth_from_disparity(found.disparity_px, found.rig), found.depth_mm)
    torch.testing.assert_close(found.confidence, torch.full_like(found.confidence, 0.8))


def test_what_has_another_colour_is_not_smeared() -> None:
    found = TemporalMean(1)(sheet(50), [sheet(10, colour=1.0), sheet(10, colour=0.0)])
    assert (found.depth_mm - 50).abs().max() < 0.01


def test_a_neighbour_counts_by_its_confidence() -> None:
    sure = TemporalMean(1)(sheet(50, confidence=0.1), [sheet(60, confidence=0.9)])
    unsure = TemporalMean(1)(sheet(50, confidence=0.9), [sheet(60, confidence=0.1)])
    assert sure.depth_mm.mean() > 58
    assert unsure.depth_mm.mean() < 52


def test_unknown_depth_neither_counts_nor_is_made_up() -> None:
    centre, other = sheet(50), sheet(60)
    centre.depth_mm[:, :5] = 0
    other.depth_mm[:, -5:] = 0
    found = TemporalMean(1)(centre, [other])
    assert not found.depth_mm[:, :5].any()
    assert torch.allclose(found.depth_mm[:, -5:], torch.tensor(50.0))
    assert (found.depth_mm[:, 5:-5] > 50).all()


def test_a_neighbour_of_another_size_is_left_out() -> None:
    small = resized(sheet(90), (24, 32))
    torch.testing.assert_close(TemporalMean(1)(sheet(50), [small]).depth_mm, sheet(50).depth_mm)


@pytest.mark.parametrize("wrong", [{"radius": -1}, {"colour": 0.0}])
def test_settings_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"^smoothing\.(radius|colour)="):
        TemporalMean(**wrong)
