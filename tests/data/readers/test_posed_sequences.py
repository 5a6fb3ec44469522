"""Readers of one camera's frames with poses: by a sensor, and by structure from motion."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from m3depth.data.readers.rgbd_sequence import RgbdSequence
from m3depth.data.readers.sfm_sequence import SfmSequence
from m3depth.errors import DataError
from m3depth.geometry.points import back_project, pixel_grid, project

SHARED = Path(__file__).resolve().parents[4] / "shared/data"
SIZE = (48, 64)
NAMES = ("00007", "00008", "00010")
TURN = Rotation.from_euler("xyz", [0.1, -0.2, 0.3])


def pose(number: int) -> np.ndarray:
    made = np.eye(4)
    made[:3, :3], made[:3, 3] = TURN.as_matrix(), (0.1 * number, 0.2, -0.3)
    return made


@pytest.fixture
def rgbd(tmp_path: Path) -> Path:
    for part in ("images", "depth"):
        (tmp_path / part).mkdir()
    for number, name in enumerate(NAMES):
        cv2.imwrite(str(tmp_path / f"images/{name}.png"), np.full((*SIZE, 3), 40, np.uint8))
        cv2.imwrite(str(tmp_path / f"depth/{name}.png"), np.full(SIZE, 800 + number, np.uint16))
    (tmp_path / "K.txt").write_text("60 0 30\n0 61 24\n0 0 1\n")
    lines = [" ".join([name, *map(str, pose(n).flatten())]) for n, name in enumerate(NAMES)]
    (tmp_path / "poses.txt").write_text("\n".join(lines))
    return tmp_path


def test_a_sensors_depth_and_poses_are_in_mm(rgbd):
    frames = RgbdSequence(rgbd, (24, 32))
    assert [frame["key"] for frame in frames] == [f"{rgbd.name}/{name}" for name in NAMES]
    frame = frames[2]
    assert (frame["depth_mm"] == 802).all()
    expected = torch.from_numpy(pose(2)).float()
    torch.testing.assert_close(frame["camera_to_world"][:3, :3], expected[:3, :3])
    torch.testing.assert_close(frame["camera_to_world"][:3, 3], 1000 * expected[:3, 3])
    assert float(frame["rig"].fy) == 30.5
    assert "depth_mm" not in RgbdSequence(rgbd, None, truth=False)[0]


def test_frames_without_a_pose_are_left_out(rgbd, caplog):
    text = (rgbd / "poses.txt").read_text().splitlines()
    (rgbd / "poses.txt").write_text("\n".join(text[1:]))
    assert len(RgbdSequence(rgbd, None)) == 2
    assert "1 of 3 images have no pose" in caplog.text


@pytest.mark.parametrize(("line", "said"), [("00007 1 2", "line 1"), ("00007 a b", "not numbers")])
def test_a_line_that_is_no_pose_is_named(rgbd, line, said):
    (rgbd / "poses.txt").write_text(line)
    with pytest.raises(DataError, match=rf"poses\.txt.*{said}"):
        RgbdSequence(rgbd, None)


@pytest.fixture
def sfm(tmp_path: Path) -> Path:
    lines = ["header: ", "  seq: 0", "poses[]:"]
    for n in range(3):
        x, y, z, w = TURN.as_quat()
        lines += [f"  poses[{n}]: ", "    position: ", f"      x: {0.1 * n}", "      y: 0.2"]
        lines += ["      z: -0.3", "    orientation: ", f"      x: {x}", f"      y: {y}"]
        lines += [f"      z: {z}", f"      w: {w}"]
    (tmp_path / "motion.yaml").write_text("\n".join(lines))
    (tmp_path / "visible_view_indexes").write_text("7\n8\n10\n")
    (tmp_path / "camera_intrinsics_per_view").write_text("60\n61\n30\n24\n")
    for number in (7, 10):
        cv2.imwrite(str(tmp_path / f"{number:08d}.jpg"), np.full((*SIZE, 3), 40, np.uint8))
    mask = np.zeros(SIZE, np.uint8)
    mask[8:40, 16:48] = 255
    cv2.imwrite(str(tmp_path / "undistorted_mask.jpg"), mask)
    return tmp_path


def test_poses_by_structure_from_motion_belong_to_the_frames_that_are_there(sfm):
    frames = SfmSequence(sfm, None)
    assert [frame["key"][-8:] for frame in frames] == ["00000007", "00000010"]
    torch.testing.assert_close(frames[1]["camera_to_world"], torch.from_numpy(pose(2)).float())
    assert not frames[0]["ignore"][0, 12:36, 20:44].any()
    assert frames[0]["ignore"][0, :4].all()


def test_fewer_poses_than_frames_are_refused(sfm):
    (sfm / "visible_view_indexes").write_text("7\n8\n10\n11\n")
    with pytest.raises(DataError, match=r"motion\.yaml: no poses of 4 frames"):
        SfmSequence(sfm, None)


@pytest.mark.real
def test_a_real_sensors_depth_and_poses_carry_one_picture_to_another():
    root = SHARED / "hololens_rgbd_seq"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    one, other = (RgbdSequence(root, None)[number] for number in (0, 1))
    rig = type(one["rig"])(*(value[None] for value in one["rig"]))
    points = back_project(*pixel_grid(one["depth_mm"][None]), rig)
    motion = torch.linalg.inv(other["camera_to_world"]) @ one["camera_to_world"]
    pixels = project(points @ motion[:3, :3].T + motion[:3, 3], rig)[0].round()
    height, width = one["left"].shape[-2:]
    inside = (pixels >= 0).all(-1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)
    inside &= one["depth_mm"].flatten() > 0
    x, y = pixels[inside].long().unbind(-1)
    mine = one["left"].flatten(1)[:, inside]
    moved = (mine - other["left"][:, y, x]).abs().mean()
    still = (one["left"] - other["left"]).abs().flatten(1)[:, inside].mean()
    assert inside.float().mean() > 0.4
    assert moved < 0.5 * still


@pytest.mark.real
def test_a_real_endoscopys_points_have_one_colour_in_all_frames():
    root = SHARED / "sinus_endoscopy_mono/seq"
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    frames = SfmSequence(root, None)
    text = (root / "structure.ply").read_text().partition("end_header\n")[2].splitlines()
    points = torch.tensor([[float(word) for word in line.split()[:3]] for line in text[:570]])
    seen = []
    for frame in (frames[0], frames[5]):
        inverse = torch.linalg.inv(frame["camera_to_world"])
        rig = type(frame["rig"])(*(value[None] for value in frame["rig"]))
        x, y = (
            project((points @ inverse[:3, :3].T + inverse[:3, 3])[None], rig)[0].long().unbind(-1)
        )
        seen.append(frame["left"][:, y, x])
    by_chance = (seen[0] - seen[1].roll(1, dims=1)).abs().mean()
    assert (seen[0] - seen[1]).abs().mean() < 0.4 * by_chance
