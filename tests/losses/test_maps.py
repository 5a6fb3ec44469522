"""The loss functions that return maps: exact cases, an independent reference, gradients."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scenes import plane

from m3depth.geometry.synthesis import synthesise
from m3depth.geometry.warp import warp
from m3depth.losses.photometric import appearance, softened, structural_dissimilarity
from m3depth.losses.smoothness import edge_aware
from m3depth.losses.terms import LeftRight
from m3depth.types import Pair


def images(*shape: int) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.rand(2, *shape, dtype=torch.float64).requires_grad_())


def test_ssim_agrees_with_plain_windows():
    image, rebuilt = (one.detach() for one in images(2, 3, 6, 9))
    found = structural_dissimilarity(image, rebuilt).numpy()
    padded = [
        np.pad(one.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), "reflect") for one in (image, rebuilt)
    ]
    for b, c, y, x in np.ndindex(2, 3, 6, 9):
        one, other = (p[b, c, y : y + 3, x : x + 3].ravel() for p in padded)
        covariance = np.mean((one - one.mean()) * (other - other.mean()))
        ssim = (2 * one.mean() * other.mean() + 0.0001) * (2 * covariance + 0.0009)
        ssim /= (one.mean() ** 2 + other.mean() ** 2 + 0.0001) * (one.var() + other.var() + 0.0009)
        assert found[b, c, y, x] == pytest.approx(np.clip((1 - ssim) / 2, 0, 1), abs=1e-12)


def test_equal_images_look_alike_and_opposite_ones_do_not():
    image = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    assert appearance(image, image).abs().max() < 1e-12
    stripes = (torch.arange(8) % 2).double().expand(1, 3, 8, 8)
    assert structural_dissimilarity(stripes, 1 - stripes).min() > 0.85
    assert structural_dissimilarity(stripes, 1 - stripes).max() <= 1


@pytest.mark.parametrize("share", [0.0, 0.3, 0.85, 1.0])
def test_appearance_mixes_structure_and_difference(share: float):
    image, rebuilt = (one.detach() for one in images(2, 3, 6, 9))
    found = appearance(image, rebuilt, share)
    structure = structural_dissimilarity(image, rebuilt).mean(1, keepdim=True)
    expected = share * structure + (1 - share) * (image - rebuilt).abs().mean(1, keepdim=True)
    assert found.shape == (2, 1, 6, 9)
    torch.testing.assert_close(found, expected)


def test_left_right_is_zero_at_a_plane_s_true_disparities():
    batch, true = plane()
    views = synthesise(batch, true)
    agree = LeftRight()([views]).value
    assert agree.max() < 1e-9  # linear look-up of a linear function
    left, right = views.disparity
    off = LeftRight()([replace(views, disparity=Pair(left + 0.01, right))]).value
    assert (off - 0.01).abs().max() < 1e-9


def test_smoothness_by_hand():
    disparity = torch.tensor([[[[1.0, 1.0, 3.0], [1.0, 2.0, 2.0]]]], dtype=torch.float64)
    image = torch.zeros(1, 3, 2, 3, dtype=torch.float64)
    image[0, :, 0, 2] = torch.tensor([1.0, 0.5, 0.0])  # an edge of mean slope 0.5
    edge = np.exp(-0.5)
    expected = [[0.0 + 0.0, 2 * edge + 1.0, 1.0 * edge], [1.0, 0.0, 0.0]]
    np.testing.assert_allclose(edge_aware(disparity, image)[0, 0].numpy(), expected, atol=1e-12)


def test_a_constant_is_smooth_and_scale_counts():
    image = torch.rand(1, 3, 5, 7, dtype=torch.float64)
    disparity = torch.rand(1, 1, 5, 7, dtype=torch.float64)
    assert edge_aware(torch.full_like(disparity, 0.1), image).abs().max() == 0
    torch.testing.assert_close(edge_aware(3 * disparity, image), 3 * edge_aware(disparity, image))


def test_gradients_of_every_map():
    image, rebuilt = images(1, 3, 4, 5)
    disparity, _ = images(1, 1, 4, 5)
    assert torch.autograd.gradcheck(structural_dissimilarity, (image, rebuilt))
    assert torch.autograd.gradcheck(appearance, (image, rebuilt))
    assert torch.autograd.gradcheck(edge_aware, (disparity, image))


class TestSoftened:
    def test_a_point_spreads_by_half_a_pixel_of_variance_each_time(self):
        point = torch.zeros(1, 1, 17, 17, dtype=torch.float64)
        point[..., 8, 8] = 1
        along = softened(point, 3).sum((0, 1, 2))
        place = torch.arange(17.0, dtype=torch.float64) - 8
        assert along.sum().item() == pytest.approx(1)
        assert (along * place.square()).sum().item() == pytest.approx(1.5)

    def test_an_even_image_stays_as_it_is_up_to_the_border(self):
        even = torch.full((1, 3, 6, 7), 0.4)
        torch.testing.assert_close(softened(even, 2), even)

    @pytest.mark.parametrize(("times", "within_px"), [(0, None), (2, 0.03)])
    def test_noise_locks_disparities_to_halves_unless_it_is_softened(self, times, within_px):
        """Two noisy views of one pattern, a quarter of a pixel apart."""
        torch.manual_seed(0)
        left, right = (
            (pattern(shift) + 0.03 * torch.randn(48, 128))[None, None] for shift in (0.0, 0.25)
        )
        shifts = torch.linspace(0, 0.5, 26)
        costs = [unlike(left, right, float(shift), times) for shift in shifts]
        found = shifts[torch.stack(costs).argmin()].item()
        if within_px is None:
            assert found > 0.3
        else:
            assert found == pytest.approx(0.25, abs=within_px)


def pattern(shift: float) -> torch.Tensor:
    """What a view sees that stands ``shift`` pixels to the side."""
    x, y = torch.arange(128.0) + shift, torch.arange(48.0)[:, None]
    waves = [(0.1, 0.031, 0.02), (0.08, 0.083, -0.05), (0.06, 0.17, 0.11)]
    return 0.5 + sum(a * torch.sin(6.28 * (x * u + y * v) + 50 * u) for a, u, v in waves)


def unlike(left: torch.Tensor, right: torch.Tensor, shift: float, times: int) -> torch.Tensor:
    rebuilt = warp(right, torch.full_like(left, -shift))[0]
    return appearance(softened(left, times), softened(rebuilt, times))[..., 4:-4].mean()
