import torch
from rigs import HEIGHT, WIDTH, in_right_view, points, rigs

from m3depth.geometry.points import project
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity, disparity_from_depth


def test_depth_of_projected_points_is_their_z():
    rig, xyz = rigs(), points()
    disparity_px = project(xyz, rig)[..., 0] - in_right_view(xyz, rig)[..., 0]
    depth = depth_from_disparity(disparity_px[:, None, None], rig)
    torch.testing.assert_close(depth[:, 0, 0], xyz[..., 2])


def test_round_trip_with_a_principal_offset():
    rig = rigs()
    assert rig.principal_offset.tolist() == [0.0, 2.5]
    depth = 30 + 120 * torch.rand(2, 1, 6, 8, dtype=torch.float64)
    disparity = disparity_from_depth(depth, rig)
    torch.testing.assert_close(depth_from_disparity(disparity, rig), depth)
    torch.testing.assert_close(
        disparity[1] - 2.5, rig.fx[1] * rig.baseline_mm[1] / depth[1], check_stride=False
    )


def test_a_resize_changes_disparity_and_not_depth():
    rig, depth = rigs(), 30 + 120 * torch.rand(2, 1, 6, 8, dtype=torch.float64)
    small = rig.resized((HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 4))
    torch.testing.assert_close(
        disparity_from_depth(depth, small), disparity_from_depth(depth, rig) / 4
    )


def test_without_a_calibration_no_depth_is_known():
    rig = StereoRig.uncalibrated(80, 48)
    disparity = torch.tensor([[[-1.0, 0.0, 3.0, 40.0]]])
    assert torch.equal(depth_from_disparity(disparity, rig), torch.zeros(1, 1, 4))


def test_a_ray_without_parallax_has_no_depth_and_a_finite_gradient():
    rig = StereoRig.of(75.0, 75.0, 44.0, 23.5, 41.5, 5.0)  # infinity is at 2.5 px
    disparity = torch.tensor([[[-4.0, 0.0, 2.5, 2.75]]], requires_grad=True)
    depth = depth_from_disparity(disparity, rig)
    assert depth[0, 0, :3].tolist() == [0.0, 0.0, 0.0]
    torch.testing.assert_close(depth[0, 0, 3].item(), 75.0 * 5.0 / 0.25)
    depth.sum().backward()
    assert disparity.grad is not None
    assert disparity.grad[0, 0, :3].tolist() == [0.0, 0.0, 0.0]
    assert disparity.grad[0, 0, 3] < 0


def test_unknown_depth_has_no_disparity():
    depth = torch.tensor([[[0.0, -1.0, 50.0]]])
    disparity = disparity_from_depth(depth, StereoRig.of(80.0, 80.0, 44.0, 23.5, 41.5, 5.0))
    assert disparity.tolist() == [[[0.0, 0.0, 80.0 * 5.0 / 50.0 + 2.5]]]


def test_one_sample_needs_no_batch_axis():
    rig = StereoRig.of(80.0, 80.0, 40.0, 23.5, 40.0, 5.0)
    assert depth_from_disparity(torch.full((1, 2, 3), 8.0), rig).unique().tolist() == [50.0]


def test_gradients():
    rig = rigs()
    disparity = (4 + 6 * torch.rand(2, 1, 2, 3, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda d: depth_from_disparity(d, rig), disparity)
    depth = (30 + 60 * torch.rand(2, 1, 2, 3, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: disparity_from_depth(z, rig), depth)
