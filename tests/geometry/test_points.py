import torch
from rigs import points, rigs

from m3depth.geometry.points import back_project, pixel_grid, project


def test_project_undoes_back_project():
    rig, xyz = rigs(), points()
    x, y = project(xyz, rig).unbind(-1)
    torch.testing.assert_close(back_project(x, y, xyz[..., 2], rig), xyz)


def test_the_pixel_grid_is_in_reading_order():
    depth = torch.rand(2, 1, 3, 5, dtype=torch.float64)
    x, y, z = pixel_grid(depth)
    assert x[1].tolist() == [0, 1, 2, 3, 4] * 3
    assert y[1].tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert torch.equal(z, depth.view(2, 15))


def test_a_plane_across_the_axis_becomes_a_flat_grid():
    rig = rigs()
    cloud = back_project(*pixel_grid(torch.full((2, 1, 4, 6), 50.0, dtype=torch.float64)), rig)
    grid = cloud.view(2, 4, 6, 3)
    assert (grid[..., 2] == 50).all()
    for sample in range(2):
        step_x = 50 / rig.fx[sample]
        step_y = 50 / rig.fy[sample]
        torch.testing.assert_close(grid[sample, :, :, 0].diff(dim=1), step_x.expand(4, 5))
        torch.testing.assert_close(grid[sample, :, :, 1].diff(dim=0), step_y.expand(3, 6))
