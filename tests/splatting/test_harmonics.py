import pytest
import torch
from scipy.integrate import lebedev_rule
from scipy.special import sph_harm_y
from splat_scenes import camera

from m3depth.errors import DataError
from m3depth.splatting.harmonics import basis, view_colours

VIEW = camera((8, 8), 4.0, 4.0)


def test_the_basis_is_scipy_s_complex_one_made_real():
    directions = torch.nn.functional.normalize(torch.randn(50, 3, dtype=torch.float64), dim=1)
    x, y, z = directions.numpy().T
    polar, around = torch.tensor(z).acos().numpy(), torch.atan2(*map(torch.tensor, (y, x))).numpy()
    expected = []
    for degree in range(4):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), polar, around)
            parts = {-1: 2**0.5 * value.imag, 0: value.real, 1: 2**0.5 * value.real}
            expected.append(torch.from_numpy(parts[(order > 0) - (order < 0)]))
    torch.testing.assert_close(basis(directions, 3), torch.stack(expected, 1), atol=1e-12, rtol=0)


@pytest.mark.parametrize("degree", range(4))
def test_the_basis_is_orthonormal_over_the_sphere(degree: int):
    points, weights = (torch.from_numpy(one) for one in lebedev_rule(17))
    values = basis(points.T, degree)
    gram = values.T @ (values * weights[:, None])
    torch.testing.assert_close(gram, torch.eye((degree + 1) ** 2).double(), atol=1e-12, rtol=0)


def test_a_constant_colour_is_the_same_from_everywhere():
    coefficients = torch.zeros(3, 16, 3, dtype=torch.float64)
    coefficients[:, 0] = (torch.tensor([0.9, 0.5, -7.0]) - 0.5) / 0.28209479177387814
    colours = view_colours(coefficients, torch.randn(3, 3).double(), VIEW)
    expected = torch.tensor([0.9, 0.5, 0.0]).double().expand(3, 3)  # never below 0
    torch.testing.assert_close(colours, expected)


def test_colours_depend_on_the_direction_from_the_camera_only():
    coefficients = torch.randn(5, 9, 3, dtype=torch.float64)
    places = torch.randn(5, 3, dtype=torch.float64)
    pose = VIEW.world_to_camera.clone()
    pose[:3, 3] = torch.tensor([3.0, -1.0, 2.0])
    moved = type(VIEW)(VIEW.intrinsics, pose, VIEW.size)
    here = view_colours(coefficients, places, VIEW)
    torch.testing.assert_close(view_colours(coefficients, 3 * places, VIEW), here)
    there = view_colours(coefficients, places + moved.centre_mm, moved)
    torch.testing.assert_close(there, here)
    assert not torch.allclose(view_colours(coefficients, -places, VIEW), here)


@pytest.mark.parametrize("degree", range(4))
def test_gradients(degree: int):
    coefficients = 0.1 * torch.randn(4, (degree + 1) ** 2, 2, dtype=torch.float64)
    places = torch.randn(4, 3, dtype=torch.float64)
    inputs = coefficients.requires_grad_(), places.requires_grad_()
    assert torch.autograd.gradcheck(lambda *both: view_colours(*both, VIEW), inputs)


@pytest.mark.parametrize("count", [0, 2, 25])
def test_another_number_of_coefficients_is_refused(count: int):
    with pytest.raises(DataError, match="spherical harmonics"):
        view_colours(torch.zeros(1, count, 3), torch.ones(1, 3), VIEW)


def test_the_direction_is_from_the_camera_to_the_gaussian_as_viewers_have_it():
    coefficients = torch.zeros(1, 4, 1, dtype=torch.float64)
    coefficients[0, 2] = 0.3  # of z
    ahead = view_colours(coefficients, torch.tensor([[0.0, 0.0, 50.0]]).double(), VIEW)
    assert ahead.item() == pytest.approx(0.5 + 0.3 * (3 / (4 * torch.pi)) ** 0.5)
