import torch

from m3depth.geometry.points import back_project, pixel_grid
from m3depth.geometry.z_buffer import splat_depth
from m3depth.types.camera import StereoRig

SIZE = (24, 32)
RIG = StereoRig.of(30.0, 30.0, 15.0, 11.0, 15.0, 4.0)


def points(depth_mm: torch.Tensor, zoom: float = 1.0) -> torch.Tensor:
    """The points of a depth map of a camera that sees pixels ``zoom`` times as far apart."""
    x, y, depth = pixel_grid(depth_mm[None, None])
    one = StereoRig(*(value[None] for value in RIG))
    apart = one._replace(fx=one.fx / zoom, fy=one.fy / zoom)
    return back_project(x, y, depth, apart)[0].double()


def test_points_on_pixels_come_back_exactly():
    depth = 50 + 10 * torch.rand(SIZE)
    # Steeper than one surface can be, so that no neighbour is averaged in: weight 1 is their own
    assert torch.allclose(splat_depth(points(depth), RIG, SIZE)[0], depth, rtol=1e-5)


def test_a_slanted_plane_stays_a_plane_between_the_points():
    x = torch.arange(SIZE[1]) - 15.0
    plane = 1 / (1 / 60 - 2e-5 * x).expand(SIZE)  # planes are linear in inverse depth
    shifted = points(plane)
    shifted[:, 0] += shifted[:, 2] * 0.37 / 30  # 0.37 px to the right
    expected = 1 / (1 / 60 - 2e-5 * (x - 0.37)).expand(SIZE)
    got = splat_depth(shifted, RIG, SIZE)[0]
    assert torch.allclose(got[:, 2:-2], expected[:, 2:-2], atol=2e-3)


def test_the_nearest_surface_wins_whatever_the_order():
    near, far = torch.full(SIZE, 40.0), torch.full(SIZE, 80.0)
    for order in ((near, far), (far, near)):
        both = torch.cat([points(depth) for depth in order])
        assert torch.allclose(splat_depth(both, RIG, SIZE), torch.tensor(40.0))


def test_gaps_between_points_close_and_nothing_grows_beyond_them():
    spread = splat_depth(points(torch.full(SIZE, 50.0), zoom=1.45), RIG, SIZE)[0]
    assert (spread > 0).all()
    alone = torch.zeros(SIZE)
    alone[8:16, 8:16] = 50.0
    cloud = points(alone)
    got = splat_depth(cloud[cloud[:, 2] > 0], RIG, SIZE)[0]
    assert torch.equal(got > 0, alone > 0)


def test_a_hole_that_is_wider_than_the_points_are_apart_stays_one():
    depth = torch.full(SIZE, 50.0)
    depth[10:13, 10:13] = 0
    cloud = points(depth)
    got = splat_depth(cloud[cloud[:, 2] > 0], RIG, SIZE)[0]
    assert torch.equal(got == 0, depth == 0)


def test_no_points_no_depth():
    assert splat_depth(torch.zeros(0, 3, dtype=torch.float64), RIG, SIZE).abs().sum() == 0
