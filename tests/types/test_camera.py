import pytest
import torch
from rigs import HEIGHT, WIDTH, in_right_view, points, rigs

from m3depth.geometry.points import project
from m3depth.types.camera import StereoRig


@pytest.mark.parametrize("new", [(24, 40), (96, 160), (31, 97)])
def test_resize_commutes_with_projection(new: tuple[int, int]):
    rig, xyz = rigs(), points()
    scale = torch.tensor([new[1] / WIDTH, new[0] / HEIGHT], dtype=torch.float64)
    small = rig.resized((HEIGHT, WIDTH), new)
    torch.testing.assert_close(project(xyz, small), (project(xyz, rig) + 0.5) * scale - 0.5)
    torch.testing.assert_close(
        in_right_view(xyz, small), (in_right_view(xyz, rig) + 0.5) * scale - 0.5
    )


def test_resize_keeps_the_edges_of_the_image_in_place():
    rig = rigs()._replace(cx=torch.tensor([-0.5, 79.5]), cy=torch.tensor([-0.5, 47.5]))
    big = rig.resized((48, 80), (96, 240))
    assert big.cx.tolist() == [-0.5, 239.5]
    assert big.cy.tolist() == [-0.5, 95.5]


def test_crop_commutes_with_projection():
    rig, xyz = rigs(), points()
    cropped, moved = rig.cropped(left=7, top=3), torch.tensor([7.0, 3.0])
    torch.testing.assert_close(project(xyz, cropped), project(xyz, rig) - moved)
    torch.testing.assert_close(in_right_view(xyz, cropped), in_right_view(xyz, rig) - moved)


def test_mirror_and_swap_commutes_with_projection():
    rig, xyz = rigs(), points()
    mirrored = rig.mirrored(WIDTH)
    # in the mirror, the old right camera is the left one, and x grows the other way
    behind = torch.stack([rig.baseline_mm[:, None] - xyz[..., 0], xyz[..., 1], xyz[..., 2]], dim=-1)
    old_left, old_right = project(xyz, rig), in_right_view(xyz, rig)
    new_left, new_right = project(behind, mirrored), in_right_view(behind, mirrored)
    for new, old in ((new_left, old_right), (new_right, old_left)):
        torch.testing.assert_close(new[..., 0], WIDTH - 1 - old[..., 0])
        torch.testing.assert_close(new[..., 1], old[..., 1])
    torch.testing.assert_close(
        new_left[..., 0] - new_right[..., 0], old_left[..., 0] - old_right[..., 0]
    )


def test_mirroring_twice_changes_nothing():
    rig = rigs()
    for back, field in zip(rig.mirrored(WIDTH).mirrored(WIDTH), rig, strict=True):
        torch.testing.assert_close(back, field)


def test_the_matrix_projects_as_the_rig_does():
    rig, xyz = rigs(), points()
    homogeneous = xyz @ rig.matrix().mT
    torch.testing.assert_close(homogeneous[..., :2] / homogeneous[..., 2:], project(xyz, rig))


def test_one_rig_and_a_batch_have_the_same_numbers():
    one = StereoRig.of(75.0, 74.0, 39.5, 23.5, 41.0, 5.0)
    assert one.matrix().shape == (3, 3)
    assert float(one.principal_offset) == -1.5
    assert bool(one.calibrated)


def test_an_uncalibrated_rig_says_so():
    rig = StereoRig.uncalibrated(width=80, height=48)
    assert not rig.calibrated
    assert not rig.resized((48, 80), (24, 40)).cropped(2, 3).mirrored(38).calibrated
    assert (float(rig.cx), float(rig.cy), float(rig.principal_offset)) == (39.5, 23.5, 0.0)
