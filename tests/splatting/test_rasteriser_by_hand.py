"""The rasteriser where the answer is known without it."""

import math
from dataclasses import replace

import pytest
import torch
from scipy.spatial.transform import Rotation
from splat_scenes import camera, chosen, gradients, leaves, one, together
from torch import Tensor

from m3depth.errors import DataError
from m3depth.splatting.rasteriser.camera import Camera
from m3depth.splatting.rasteriser.gaussians import Gaussians
from m3depth.splatting.rasteriser.profiles import GSPLAT, INRIA, Profile, expected, summed
from m3depth.splatting.rasteriser.rasterize import rasterize

SIZE = (7, 11)
VIEW = camera(SIZE, 5.0, 3.0)
AT = (3, 5)  # the pixel that the camera's axis goes through
BOTH = pytest.mark.parametrize("profile", [GSPLAT, INRIA], ids=["gsplat", "inria"])


def at(picture: Tensor, row: int = AT[0], column: int = AT[1]) -> list[float]:
    return picture[:, row, column].tolist()


def test_one_gaussian_s_colour_depth_and_weight_at_every_pixel():
    rendered = rasterize(one(), VIEW)
    variance = (40 * 2 / 50) ** 2 + 0.3
    y, x = torch.meshgrid(torch.arange(7) - 3.0, torch.arange(11) - 5.0, indexing="ij")
    alpha = 0.6 * torch.exp(-(x * x + y * y) / (2 * variance)).double()
    alpha[alpha < 1 / 255] = 0
    assert (alpha == 0).any()
    torch.testing.assert_close(rendered.weight[0], alpha)
    torch.testing.assert_close(
        rendered.colour, alpha * torch.tensor([0.2, 0.5, 0.8]).double()[:, None, None]
    )
    torch.testing.assert_close(rendered.depth_mm[0], torch.where(alpha > 0, 50.0, 0.0).double())
    total = rasterize(one(), VIEW, depth=summed).depth_mm
    torch.testing.assert_close(total, 50 * rendered.weight)
    for axis in (1, 2):  # pixel centres are integers: symmetric about pixel (5, 3)
        torch.testing.assert_close(rendered.weight, rendered.weight.flip(axis))


def test_an_oblique_gaussian_has_the_covariance_of_its_projected_points():
    """Against the spread of many points of a small Gaussian, each projected exactly."""
    gaussian = one((9.0, -6.0, 50.0), (0.3, 0.1, 0.6), 0.9)
    gaussian = replace(gaussian, quaternions=torch.tensor([[2.0, 1.0, -0.5, 0.7]]).double())
    view = camera((64, 64), 24.3, 36.8, 400.0)
    turn = Rotation.from_quat(gaussian.quaternions[0].numpy(), scalar_first=True).as_matrix()
    draws = torch.randn(400_000, 3).double() * gaussian.scales_mm
    points = gaussian.means_mm + draws @ torch.from_numpy(turn).T
    pixels = points[:, :2] / points[:, 2:] * 400 + view.intrinsics[:2, 2]
    middle = (gaussian.means_mm[0, :2] / 50 * 400 + view.intrinsics[:2, 2]).tolist()
    sharp = camera((64, 64), 24.3 - middle[0] + 32, 36.8 - middle[1] + 32, 400.0)
    weight = rasterize(gaussian, sharp, profile=Profile(0.2, 0.999, blur_px2=0.0)).weight[0]
    (xx, xy), (_, yy) = torch.cov(pixels.T)
    precision = torch.linalg.inv(torch.tensor([[xx, xy], [xy, yy]])).double()
    for dx, dy in ((1, 0), (0, 1), (1, 1), (-1, 1)):
        away = torch.tensor([dx, dy]).double()
        target = 0.9 * torch.exp(-away @ precision @ away / 2)
        assert weight[32 + dy, 32 + dx].item() == pytest.approx(target.item(), rel=0.02)


def test_the_nearer_one_covers_the_farther_one():
    near, far = one((0, 0, 40.0), opacity=0.7, colour=(1.0, 0.0)), one(colour=(0.0, 1.0))
    for both in (together(near, far), together(far, near)):
        rendered = rasterize(both, VIEW)
        assert at(rendered.colour) == pytest.approx([0.7, 0.3 * 0.6])
        assert at(rendered.weight) == pytest.approx([0.88])
        assert at(rendered.depth_mm) == pytest.approx([(0.7 * 40 + 0.18 * 50) / 0.88])


def test_depth_moves_with_the_gaussian():
    scene = leaves(one())
    rasterize(scene, VIEW).depth_mm[0, 3, 5].backward()
    torch.testing.assert_close(gradients(scene)["means_mm"], torch.tensor([[0, 0, 1.0]]).double())


@BOTH
def test_opaque_layers_stop_the_light(profile: Profile):
    """The one that would leave less than ``stop`` is left out itself."""
    layers = together(*(one((0, 0, z), opacity=1.0) for z in (40.0, 50.0, 60.0)))
    assert at(rasterize(layers, VIEW, profile=profile).weight) == [profile.alpha_max]
    going_on = rasterize(layers, VIEW, profile=replace(profile, stop=0.0))
    assert at(going_on.weight) == pytest.approx([1 - (1 - profile.alpha_max) ** 3], abs=1e-12)
    hidden = leaves(layers)
    rasterize(hidden, VIEW, profile=profile).colour[:, 3, 5].sum().backward()
    assert gradients(hidden)["colours"].tolist() == [[profile.alpha_max] * 3, [0] * 3, [0] * 3]


@BOTH
def test_no_gradient_beyond_alpha_max(profile: Profile):
    scene = leaves(one(opacity=1.0))
    rasterize(scene, VIEW, profile=profile).weight[0, 3, 5].backward()
    assert gradients(scene)["opacities"].tolist() == [0]


def test_the_profiles_differ_where_they_should():
    assert rasterize(one((0, 0, 0.1)), VIEW, profile=INRIA).weight.max() == 0
    assert rasterize(one((0, 0, 0.1)), VIEW, profile=GSPLAT).weight.max() > 0
    wide = one(scales_mm=4.093, opacity=1.0)  # 3.32 px: three of them end within 10 pixels
    view = camera((7, 30), 5.0, 3.0)
    row = [rasterize(wide, view, profile=p).weight[0, 3, 5:] for p in (INRIA, GSPLAT)]
    assert [(weights > 0).sum() for weights in row] == [1 + 10, 1 + 11]
    weight = torch.tensor([[[0.5, 0.004, 0.0]]]).double()
    assert expected(50 * weight, weight, GSPLAT).flatten().tolist() == pytest.approx([50, 50, 0])
    inria = expected(50 * weight, weight, INRIA)
    torch.testing.assert_close(inria, 50 * weight / (weight + 1e-6))


def test_what_is_smaller_than_a_pixel_is_not_lost():
    between = camera(SIZE, 5.5, 3.0)
    weight = rasterize(one(scales_mm=1e-6), between).weight[0, 3]
    target = 0.6 * torch.exp(torch.tensor(-0.25 / 0.6)).item()
    assert weight[5:7].tolist() == pytest.approx([target, target])


def test_rounding_makes_nothing_more_opaque_than_it_is():
    """A needle without blur, in float32: its form is a small difference of large numbers."""
    diagonal = torch.tensor([[1.0, 0.0, 0.0, math.tan(math.pi / 8)]])
    needle = replace(one(scales_mm=(300.0, 0.01, 0.01), opacity=0.5), quaternions=diagonal)
    needle = Gaussians(*(field.float() for field in vars(needle).values()))
    sharp = Profile(0.2, 0.999, blur_px2=0.0)
    weight = rasterize(needle, camera((400, 400), 200.0, 200.0, 400.0), profile=sharp).weight
    assert weight.max() == 0.5


def test_what_covers_less_than_a_grey_level_is_left_out():
    faint = together(one(opacity=0.0039), one(opacity=0.0), one(opacity=0.004))
    rendered = rasterize(faint, VIEW)
    assert rendered.aux.visible.tolist() == [False, False, True]
    assert at(rendered.weight) == pytest.approx([0.004])


NOTHING = {
    "behind the camera": one((0, 0, -50.0)),
    "in the camera's plane": one((1.0, 2.0, 0.0)),
    "beside the picture": one((900.0, 0, 50.0)),
    "above the picture": one((0, -900.0, 50.0)),
    "transparent": one(opacity=0.0),
    "no Gaussian": chosen(one(), torch.zeros(0, dtype=torch.long)),
}


@BOTH
@pytest.mark.parametrize("name", NOTHING)
def test_nothing_in_view_is_an_empty_picture_with_zero_gradients(name: str, profile: Profile):
    scene = leaves(NOTHING[name])
    rendered = rasterize(scene, VIEW, profile=profile)
    for picture in rendered[:3]:
        assert picture.shape[1:] == SIZE
        assert picture.abs().max() == 0
    (rendered.colour.sum() + rendered.depth_mm.sum() + rendered.weight.sum()).backward()
    for gradient in gradients(scene).values():
        assert (gradient == 0).all()


def test_any_number_of_channels():
    assert rasterize(one(colour=(0.5,)), VIEW).colour.shape == (1, *SIZE)
    assert rasterize(one(colour=(0.5,) * 7), VIEW).colour.shape == (7, *SIZE)


def broken(field: str, value: float) -> Gaussians:
    scene = leaves(together(one(), one(), one()))
    values = getattr(scene, field).detach().clone()
    values[1] = value
    return replace(scene, **{field: values})


BAD = {
    "colours": (float("nan"), "colours = [nan, nan, nan]"),
    "means_mm": (float("inf"), "means_mm = [inf"),
    "opacities": (-2.0, "sigmoid of a logit"),
    "scales_mm": (-1.0, "exponential of a log-scale"),
    "quaternions": (0.0, "not all 0"),
}


@pytest.mark.parametrize("field", BAD)
def test_a_gaussian_that_cannot_be_drawn_is_named(field: str):
    value, told = BAD[field]
    with pytest.raises(DataError) as caught:
        rasterize(broken(field, value), VIEW)
    assert str(caught.value).startswith(f"Gaussian 1 of 3: {field}")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_overflow_is_named_before_it_is_a_nan():
    huge = Gaussians(*(field.float() for field in vars(broken("scales_mm", 1e30)).values()))
    with pytest.raises(DataError, match=r"Gaussian 1 of 3: .*scales_mm = .*overflows"):
        rasterize(huge, VIEW)


def test_bad_cameras_are_refused():
    pose = torch.eye(4)
    for row, told in ((2.0, "no rotation"), (-1.0, "no rotation"), (float("nan"), "no rotation")):
        off = pose.clone()
        off[0, 0] = row
        with pytest.raises(DataError, match=told):
            Camera(VIEW.intrinsics, off, SIZE)
    for place, value in (((0, 0), 0.0), ((0, 1), 3.0), ((1, 2), float("inf"))):
        k = VIEW.intrinsics.clone()
        k[place] = value
        with pytest.raises(DataError, match="K = "):
            Camera(k, pose, SIZE)
    with pytest.raises(DataError, match="size"):
        Camera(VIEW.intrinsics, pose, (0, 4))


def test_a_camera_s_centre_is_where_its_pose_puts_it():
    pose = torch.tensor([[0.0, 0, 1, 7], [0, 1, 0, 8], [-1, 0, 0, 9], [0, 0, 0, 1]])
    view = Camera(VIEW.intrinsics, pose.inverse(), SIZE)
    torch.testing.assert_close(view.centre_mm, torch.tensor([7.0, 8, 9]))
