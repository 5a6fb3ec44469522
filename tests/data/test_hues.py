"""Other hues at the same brightness, on what the network sees alone."""

import colorsys
import math

import pytest
import torch

from m3depth.data.hues import BLUE, GREEN, RED, Hues, turned
from m3depth.errors import ConfigError
from m3depth.types import StereoBatch


def luma(image: torch.Tensor) -> torch.Tensor:
    return RED * image[..., 0, :, :] + GREEN * image[..., 1, :, :] + BLUE * image[..., 2, :, :]


def number(value: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), value, dtype=torch.float64)


def test_luma_stays_and_every_colour_is_one():
    image = torch.rand(1, 3, 40, 50, dtype=torch.float64)
    for degrees in (-170.0, -60.0, 45.0, 180.0):
        for factor in (0.0, 0.5, 1.0, 3.0):
            found = turned(image, number(math.radians(degrees)), number(factor))
            torch.testing.assert_close(luma(found), luma(image))
            assert 0 <= found.min() <= found.max() <= 1


def test_half_a_turn_makes_the_opposite_hue_and_no_turn_none():
    image = 0.5 + 0.1 * torch.rand(1, 3, 4, 4, dtype=torch.float64)  # nothing leaves [0, 1]
    grey = luma(image)[:, None]
    torch.testing.assert_close(turned(image, number(0.0), number(1.0)), image)
    torch.testing.assert_close(turned(image, number(math.pi), number(1.0)), 2 * grey - image)
    torch.testing.assert_close(turned(image, number(1.0), number(0.0)), grey.expand_as(image))


def test_a_colour_that_would_leave_the_cube_keeps_its_hue_and_luma():
    image = torch.tensor([0.9, 0.3, 0.2], dtype=torch.float64).view(1, 3, 1, 1)
    found = turned(image, number(0.0), number(5.0))
    assert found.max() == 1 or found.min() == 0
    hues = [colorsys.rgb_to_hsv(*one.flatten().tolist())[0] for one in (image, found)]
    assert hues[0] == pytest.approx(hues[1])
    torch.testing.assert_close(luma(found), luma(image))


def test_the_losses_compare_clean_images_and_each_sample_is_drawn_alone():
    torch.manual_seed(0)
    left = torch.rand(1, 3, 6, 8).expand(16, 3, 6, 8).clone()
    clean, seen = Hues(mirror=0.0, recolour=0.0, hues=0.5)(StereoBatch(left=left, key=[]))
    assert torch.equal(clean["left"], left)
    changed = (seen - left).abs().amax((1, 2, 3)) > 1e-3
    assert 2 < changed.sum() < 14
    drawn = seen[changed]
    assert (drawn[0] - drawn[1]).abs().max() > 0.01


@pytest.mark.parametrize("wrong", [{"hues": 2}, {"turn_deg": 181}, {"chroma": (1.0,)}])
def test_a_bound_that_is_none(wrong):
    with pytest.raises(ConfigError, match=r"augmentation\." + next(iter(wrong))):
        Hues(**wrong)
