"""Motions, landings and rebuilt frames against references in float64."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn.functional import avg_pool2d

from m3depth.data.synthetic.clip import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.geometry.motion import inverse, landing, moved, pose, rebuild
from m3depth.types import StereoRig


def camera(fx: float = 40.0, fy: float = 38.0, cx: float = 11.0, cy: float = 8.5) -> StereoRig:
    return StereoRig(*(one[None].double() for one in StereoRig.monocular(fx, fy, cx, cy)))


def small_motion() -> Tensor:
    turn, shift = torch.tensor([[0.03, -0.05, 0.08]]), torch.tensor([[1.0, -2.0, 3.0]])
    return pose(turn.double(), shift.double())


def test_a_pose_turns_about_its_axis_and_then_moves():
    turn = torch.tensor([[0.0, 0.0, math.pi / 2]], dtype=torch.float64)
    shift = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    point = torch.tensor([[[1.0, 0.0, 0.0]]], dtype=torch.float64)
    landed = torch.tensor([[[1.0, 3.0, 3.0]]], dtype=torch.float64)
    torch.testing.assert_close(moved(point, pose(turn, shift)), landed)


def test_a_pose_is_the_matrix_exponential_of_its_turn():
    turn = torch.randn(5, 3, dtype=torch.float64)
    zero = torch.zeros(5, dtype=torch.float64)
    x, y, z = turn.unbind(1)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], 1).view(5, 3, 3)
    torch.testing.assert_close(pose(turn, turn)[:, :3, :3], torch.linalg.matrix_exp(cross))


def test_the_gradient_at_no_turn_is_finite_and_the_cross_product():
    still = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    moved(torch.tensor([[[0.0, 0.0, 1.0]]], dtype=torch.float64), pose(still, still))[
        ..., 0
    ].sum().backward()
    torch.testing.assert_close(still.grad, torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64))


def test_the_inverse_undoes_a_pose():
    forth = pose(torch.randn(4, 3).double(), torch.randn(4, 3).double())
    torch.testing.assert_close(inverse(forth), torch.linalg.inv(forth))


def test_no_motion_is_the_identity_also_between_images_of_any_size():
    image = torch.rand(1, 3, 17, 23, dtype=torch.float64)
    depth = 20 + 60 * torch.rand(1, 1, 17, 23, dtype=torch.float64)
    rebuilt, visible = rebuild(image, depth, torch.eye(4)[None].double(), camera(), camera())
    assert visible.all()
    torch.testing.assert_close(rebuilt, image, atol=1e-9, rtol=0)


def test_a_zoom_scales_about_the_principal_point():
    where = landing(
        torch.full((1, 1, 17, 23), 50.0, dtype=torch.float64),
        torch.eye(4)[None].double(),
        camera(),
        camera(fx=80.0, fy=76.0),
    )
    columns = torch.arange(23).double()
    torch.testing.assert_close(where.x[0, 3], 11.0 + 2 * (columns - 11.0))
    torch.testing.assert_close(where.flow_px()[0, 0, 3], columns - 11.0)


def test_points_land_where_the_formula_says():
    depth = 20 + 60 * torch.rand(1, 1, 17, 23, dtype=torch.float64)
    motion, first, second = small_motion(), camera(), camera(44.0, 41.0, 10.0, 9.0)
    where = landing(depth, motion, first, second)
    for row, column in ((0, 0), (5, 20), (16, 7)):
        pixel = torch.tensor([column, row, 1.0], dtype=torch.float64)
        point = depth[0, 0, row, column] * torch.linalg.inv(first.matrix()[0]) @ pixel
        other = motion[0] @ torch.cat([point, torch.ones(1).double()])
        seen = second.matrix()[0] @ other[:3]
        torch.testing.assert_close(where.x[0, row, column], seen[0] / seen[2])
        torch.testing.assert_close(where.y[0, row, column], seen[1] / seen[2])
        torch.testing.assert_close(where.points[0, :, row, column], other[:3])


def test_what_is_behind_the_other_camera_or_unknown_is_not_visible():
    depth = torch.tensor([[[[5.0, 50.0, 0.0]]]], dtype=torch.float64)
    ahead = pose(torch.zeros(1, 3).double(), torch.tensor([[0.0, 0.0, -10.0]]).double())
    wide = camera(1.0, 1.0, 1.0, 0.0)
    assert landing(depth, ahead, wide, wide).visible[0, 0, 0].tolist() == [False, True, False]


def test_a_rebuilt_image_has_gradients_to_depth_motion_and_both_cameras():
    image = torch.rand(1, 2, 5, 6, dtype=torch.float64)
    depth = (20 + 5 * torch.rand(1, 1, 5, 6)).double().requires_grad_()
    twist = torch.tensor([[0.01, -0.02, 0.013, 0.3, 0.2, -0.4]]).double().requires_grad_()
    lens = torch.tensor([[9.0, 8.7, 2.6, 2.1, 9.3, 8.8, 2.4, 2.2]]).double().requires_grad_()

    def made(depth: Tensor, twist: Tensor, lens: Tensor) -> Tensor:
        zero = torch.zeros_like(lens[:, 0])
        first, second = (StereoRig(*lens[:, at : at + 4].unbind(1), zero, zero) for at in (0, 4))
        return rebuild(image, depth, pose(twist[:, :3], twist[:, 3:]), first, second)[0]

    assert gradcheck(made, (depth, twist, lens), eps=1e-7)


@pytest.fixture(scope="module")
def clip() -> SyntheticClip:
    path = Moving(zoom=(0.3, 0.3))
    plain = {"deforming": False, "tools": False, "highlights": False, "noise": False}
    return SyntheticClip("train", 0, 31, (256, 320), path=path, **plain)


def test_a_built_in_clip_s_exact_depth_pose_and_zoom_rebuild_a_frame(clip: SyntheticClip):
    """Of texture coordinates' smooth stand-in: the frames' own light moves with the lamp."""
    target, source = clip[10], clip[14]
    one, other = (StereoRig(*(f[None] for f in frame["rig"])) for frame in (target, source))
    between = torch.linalg.inv(source["camera_to_world"]) @ target["camera_to_world"]
    drawn = painted(source, other)
    rebuilt, visible = rebuild(drawn, target["depth_mm"][None], between[None], one, other)
    error = (rebuilt - painted(target, one)).abs()
    seen = visible & same_surface(target, source, between, one, other)
    assert seen.float().mean() > 0.6
    assert error[seen.expand_as(error)].max() < 0.005
    assert (drawn - painted(target, one)).abs().mean() > 0.05  # it moved


def test_a_built_in_clip_s_own_pictures_are_rebuilt_by_its_exact_depth_and_pose():
    """Their light moves with the lamp: its ratio, smooth over the picture, is divided out."""
    plain = {"deforming": False, "tools": False, "highlights": False, "noise": False}
    path = Moving(zoom=(0.0, 0.0))
    clip = SyntheticClip("train", 0, 2, (128, 160), path=path, frames_per_s=5.0, **plain)
    target, source = clip[0], clip[1]
    one, other = (StereoRig(*(f[None] for f in frame["rig"])) for frame in (target, source))
    between = torch.linalg.inv(source["camera_to_world"]) @ target["camera_to_world"]
    drawn, depth = source["left"][None], target["depth_mm"][None]
    rebuilt, visible = rebuild(drawn, depth, between[None], one, other)
    seen = (visible & same_surface(target, source, between, one, other)).float()

    def smooth(image: Tensor) -> Tensor:
        return avg_pool2d(image * seen, 9, 1, 4) / avg_pool2d(seen, 9, 1, 4).clamp_min(1e-6)

    image, kept = target["left"][None], (seen > 0).expand(1, 3, -1, -1)
    error = (rebuilt * smooth(image) / smooth(rebuilt).clamp_min(1e-3) - image).abs()[kept]
    assert seen.mean() > 0.85
    assert error.mean() < 0.002
    assert error.quantile(0.95) < 0.005
    assert (rebuilt - image).abs()[kept].mean() < 0.0055  # with the light as it is
    assert (drawn - image).abs()[kept].mean() > 0.02  # it moved


def painted(frame: dict, rig: StereoRig) -> Tensor:
    """A smooth colour of each point's place in the world."""
    where = landing(
        frame["depth_mm"][None].double(),
        frame["camera_to_world"][None].double(),
        StereoRig(*(one.double() for one in rig)),
        StereoRig(*(one.double() for one in rig)),
    )
    return (0.5 + 0.5 * torch.sin(where.points * 0.15)).float()


def same_surface(
    target: dict, source: dict, between: Tensor, one: StereoRig, other: StereoRig
) -> Tensor:
    """Not hidden in the source: its depth there is the point's own."""
    where = landing(target["depth_mm"][None], between[None], one, other)
    there = where.look_up(source["depth_mm"][None])
    return (there - where.points[:, 2:]).abs() < 0.2
