"""C3VD's lens against its makers' formula, and pictures bent by it made straight again."""

import numpy as np
import pytest
import torch
from fisheye_scenes import pixels, slopes, smaller

from m3depth.data.readers.c3vd import CAMERA
from m3depth.geometry.fisheye import undistort_depth, undistort_image
from m3depth.geometry.points import back_project


def ray(x: float, y: float) -> np.ndarray:
    """Scaramuzza's equations one number at a time."""
    a, b = x - CAMERA.cx, y - CAMERA.cy
    det = CAMERA.c - CAMERA.d * CAMERA.e
    u, v = (a - CAMERA.d * b) / det, (CAMERA.c * b - CAMERA.e * a) / det
    rho = (u * u + v * v) ** 0.5
    z = CAMERA.a0 + CAMERA.a2 * rho**2 + CAMERA.a3 * rho**3 + CAMERA.a4 * rho**4
    return np.array([u / z, v / z])


@pytest.mark.parametrize("pixel", [(0.0, 543.0), (1349.0, 500.0), (300.5, 20.0), (678.0, 543.0)])
def test_a_pixel_looks_where_the_published_formula_says(pixel: tuple[float, float]):
    seen = slopes(CAMERA, np.array(pixel[0]), np.array(pixel[1]))
    np.testing.assert_allclose(np.array(seen), ray(*pixel), rtol=1e-12)


def test_a_pixel_s_ray_leads_back_to_the_pixel():
    x, y = pixels(CAMERA)
    back = CAMERA.project(*slopes(CAMERA, x, y))
    error = np.hypot(back[0] - x, back[1] - y)
    assert np.nanmax(error) < 1e-3
    assert np.nanmedian(error) < 1e-5
    assert np.isnan(error).mean() < 0.005  # the outermost corners look sideways


def test_the_middle_of_the_image_projects_onto_itself():
    x, y = CAMERA.project(np.zeros(1), np.zeros(1))
    assert (x[0], y[0]) == pytest.approx((CAMERA.cx, CAMERA.cy), abs=1e-12)


def test_what_lies_sideways_is_not_seen():
    assert np.isnan(CAMERA.project(np.array([1e6]), np.array([0.0]))).all()


def test_the_pinhole_is_filled_and_nothing_shrinks():
    camera = smaller(5)
    everything = undistort_image(torch.ones(3, camera.height, camera.width), camera)
    assert (everything == 1).all()
    x, y = pixels(camera)
    across = (x - camera.cx) / camera.a0, (y - camera.cy) / camera.a0
    seen = camera.project(*across)
    for way in seen:
        assert np.abs(np.diff(way, axis=0)).max() < 1.01  # 0.3 % is the stretch matrix
        assert np.abs(np.diff(way, axis=1)).max() < 1.01


def test_a_flat_wall_stays_flat_and_its_grid_straight():
    """A wall at 50 mm with dots 5 mm apart, dotted by the formula: dots lie on a square grid."""
    camera = smaller(2)
    rig = camera.pinhole(0.0)
    x, y = pixels(camera)
    right, down = (50 * slope for slope in slopes(camera, x, y))
    away = np.hypot(right - 5 * np.round(right / 5), down - 5 * np.round(down / 5))
    dots = torch.from_numpy(np.exp(-((away / 0.5) ** 2))).float().expand(3, -1, -1)
    straight = undistort_image(dots, camera)[0]
    wall = undistort_depth(torch.full((1, camera.height, camera.width), 50.0), camera)
    assert (wall == 50).all()
    peak = straight > 0.95
    spot_y, spot_x = (spot.float()[None] for spot in torch.nonzero(peak, as_tuple=True))
    one = type(rig)(*(value[None] for value in rig))
    on_wall = back_project(spot_x, spot_y, torch.full_like(spot_x, 50.0), one)[0, :, :2]
    assert len(on_wall) > 100
    assert (on_wall - 5 * (on_wall / 5).round()).norm(dim=1).max() < 0.2


def test_depth_is_never_mixed_across_an_edge():
    camera = smaller(5)
    depth = torch.full((1, camera.height, camera.width), 30.0)
    depth[..., 130:] = 90.0
    depth[:, :40] = 0.0
    assert set(undistort_depth(depth, camera).unique().tolist()) == {0.0, 30.0, 90.0}
