import pytest
import torch

from m3depth.geometry.warp import warp

EXACT = {torch.float64: 1e-9, torch.float32: 1e-4}


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("size", [(5, 7), (33, 64), (96, 257)])
def test_zero_shift_is_the_identity(dtype: torch.dtype, size: tuple[int, int]):
    image = torch.rand(2, 3, *size, dtype=dtype)
    warped, visible = warp(image, torch.zeros(2, 1, *size, dtype=dtype))
    torch.testing.assert_close(warped, image, rtol=0, atol=EXACT[dtype])
    assert visible.all()


@pytest.mark.parametrize("dtype", EXACT)
@pytest.mark.parametrize("shift", [-6, -1, 1, 4])
def test_a_whole_shift_moves_whole_pixels_and_repeats_the_edge(dtype: torch.dtype, shift: int):
    width = 20
    image = torch.rand(2, 3, 9, width, dtype=dtype)
    warped, visible = warp(image, torch.full((2, 1, 9, width), float(shift), dtype=dtype))
    looked_up = torch.arange(width) + shift
    expected = image[..., looked_up.clamp(0, width - 1)]
    torch.testing.assert_close(warped, expected, rtol=0, atol=EXACT[dtype])
    inside = (looked_up >= 0) & (looked_up < width)
    assert torch.equal(visible, inside.expand(2, 1, 9, width))


def test_half_a_pixel_is_the_mean_of_two():
    image = torch.rand(1, 3, 6, 11, dtype=torch.float64)
    warped, _ = warp(image, torch.full((1, 1, 6, 11), 0.5, dtype=torch.float64))
    expected = (image[..., :-1] + image[..., 1:]) / 2
    torch.testing.assert_close(warped[..., :-1], expected, rtol=0, atol=1e-9)


def test_each_pixel_has_its_own_shift_and_stays_in_its_row():
    image = torch.rand(2, 1, 8, 16, dtype=torch.float64)
    shift = torch.randint(-3, 4, (2, 1, 8, 16)).double()
    warped, _ = warp(image, shift)
    looked_up = (torch.arange(16) + shift).long().clamp(0, 15)
    torch.testing.assert_close(warped, image.gather(3, looked_up), rtol=0, atol=1e-9)


def test_visible_follows_the_coordinates_and_not_the_colours():
    shift = torch.rand(1, 1, 10, 30, dtype=torch.float64) * 40 - 20
    _, of_black = warp(torch.zeros(1, 3, 10, 30, dtype=torch.float64), shift)
    _, of_noise = warp(torch.rand(1, 3, 10, 30, dtype=torch.float64), shift)
    x = torch.arange(30) + shift
    assert torch.equal(of_black, (x >= 0) & (x <= 29))
    assert torch.equal(of_black, of_noise)
    assert not of_black.all()


def test_gradients_in_image_and_shift():
    image = torch.rand(1, 2, 3, 6, dtype=torch.float64, requires_grad=True)
    # a quarter off the pixel centres: the look-up bends at a centre
    shift = torch.randint(-2, 3, (1, 1, 3, 6)) + 0.25 + 0.5 * torch.rand(1, 1, 3, 6).double()
    assert torch.autograd.gradcheck(
        lambda i, s: warp(i, s)[0], (image, shift.detach().requires_grad_())
    )
