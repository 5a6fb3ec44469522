"""StereoMIS: stacked video, R and T of the right camera, poses in metres, masks of tissue."""

from pathlib import Path

import numpy as np
import pytest
import torch
from miniatures import configured, one_line, write_mask
from recorded_views import SIZE, assert_is_moment, filmed, write_video
from scipy.spatial.transform import Rotation

from m3depth.data.readers.stereomis import StereoMis
from m3depth.errors import DataError
from m3depth.geometry.rectification import rectification

HALF = (SIZE[0] // 2, SIZE[1] // 2)
TURNED = Rotation.from_euler("xyz", [10, -20, 30], degrees=True)


def write_calibration(path: Path) -> None:
    """R and T of [StereoLeft] are not the pair's."""
    cameras, _ = filmed()
    sides = {
        "StereoLeft": (cameras.matrices[0], cameras.distortions[0], np.eye(3), np.zeros(3)),
        "StereoRight": (
            cameras.matrices[1],
            cameras.distortions[1],
            cameras.rotation,
            cameras.translation_mm,
        ),
    }
    lines = []
    for side, (k, bent, rotation, shift) in sides.items():
        lines += [f"[{side}]", f"res_x={SIZE[1]}.0", f"res_y={SIZE[0]}.0"]
        lines += [f"fc_x={k[0, 0]}", f"fc_y={k[1, 1]}", f"cc_x={k[0, 2]}", f"cc_y={k[1, 2]}"]
        lines += [f"kc_{i}={value}" for i, value in enumerate(bent)]
        lines += [f"R_{i}={value}" for i, value in enumerate(rotation.ravel())]
        lines += [f"T_{i}={value}" for i, value in enumerate(shift)]
    path.write_text("\n".join(lines) + "\n")


def write_poses(path: Path, count: int) -> None:
    x, y, z, w = TURNED.as_quat()
    rows = [f"{i}.5 {i / 1000} 0.002 -0.003 {x} {y} {z} {w}" for i in range(count)]
    path.write_text("# t tx ty tz qx qy qz qw\n" + "\n".join(rows) + "\n")


def tissue(size: tuple[int, int]) -> torch.Tensor:
    """All tissue but for an instrument in the lower right quarter."""
    mask = torch.ones(1, *size, dtype=torch.bool)
    mask[:, size[0] // 2 :, size[1] // 2 :] = False
    return mask


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _, frames = filmed()
    both = [np.concatenate(frame.pictures, axis=0) for frame in frames]
    root = tmp_path / "StereoMIS_0_0_1"
    for name in ("P1", "P2_8", "P3"):
        write_video(root / name / "IFBS_ENDOSCOPE-part0001.mp4", both, "mp4v")
        write_calibration(root / name / "StereoCalibration.ini")
        write_poses(root / name / "groundtruth.txt", len(frames))
    write_mask(root / "P1" / "masks" / "000001l.png", tissue(HALF))
    return root


def test_the_views_are_rectified_with_the_right_camera_s_r_and_t(root: Path):
    frames = StereoMis(root, None)
    assert [s["key"] for s in frames] == [
        f"{name}/00000{i}" for name in ("P1", "P2_8", "P3") for i in range(4)
    ]
    for number in range(4):
        assert "depth_mm" not in frames[number]
        assert_is_moment(frames[number], number)


def test_poses_are_in_millimetres_camera_to_world(root: Path):
    pose = StereoMis(root, (32, 40), ["P1"])[3]["camera_to_world"]
    torch.testing.assert_close(pose[:3, 3], torch.tensor([3.0, 2.0, -3.0]))
    expected = torch.from_numpy(TURNED.as_matrix()).float()
    torch.testing.assert_close(pose[:3, :3], expected, rtol=0, atol=1e-6)


def test_a_mask_is_of_tissue_and_frames_without_show_no_tool(root: Path, caplog):
    frames = StereoMis(root, None, ["P1"])
    assert f"masks: none for {len(frames) - 1} of {len(frames)} frames, the first" in caplog.text
    assert not frames[0]["tool"].any()
    tool = frames[1]["tool"]
    assert tool.shape == (1, *SIZE)  # beside the image
    assert torch.equal(tool, ~tissue(SIZE))
    assert "tool" not in StereoMis(root, None, ["P3"])[0]


def test_a_mask_of_the_video_s_size_is_rectified_with_it(root: Path):
    write_mask(root / "P1" / "masks" / "000001l.png", tissue(SIZE))
    tool = StereoMis(root, None, ["P1"])[1]["tool"][0].numpy()
    cameras = rectification(filmed()[0].calibration())
    raw = (~tissue(SIZE))[0].numpy().astype(np.uint8) * 255
    assert (tool ^ (cameras.left(raw) > 127)).mean() < 0.01  # an edge may grow by a pixel
    assert (tool ^ (raw > 0)).mean() > 0.01  # it moved


def test_shifts_choose_another_mask_and_pose_and_drop_frames_without_one(root: Path, caplog):
    assert StereoMis(root, None, ["P1"], mask_shift=1)[0]["tool"].any()
    frames = StereoMis(root, (32, 40), ["P1"], pose_shift=-1)
    assert [sample["key"] for sample in frames] == [f"P1/00000{i}" for i in (1, 2, 3)]
    assert [float(sample["camera_to_world"][0, 3]) for sample in frames] == [0.0, 1.0, 2.0]
    assert "4 frames of video, 4 poses shifted by -1; 3 frames have a pose" in caplog.text


def test_fewer_poses_than_frames_leave_fewer_frames_and_none_leaves_all(root: Path, caplog):
    write_poses(root / "P1" / "groundtruth.txt", 2)
    assert len(StereoMis(root, None, ["P1"])) == 2
    assert "4 frames of video, 2 poses" in caplog.text
    (root / "P1" / "groundtruth.txt").unlink()
    frames = StereoMis(root, (32, 40), ["P1"])
    assert len(frames) == 4
    assert "camera_to_world" not in frames[0]


@pytest.mark.parametrize("place", ["P1", "P1/masks"])
def test_a_sequence_alone_or_a_folder_too_deep_is_found(root: Path, place: str):
    assert len(StereoMis(root / place, None)) == 4


def test_the_configuration_builds(root: Path):
    for name in ("P2_0", "P2_1", "P2_2", "P2_3", "P2_4", "P2_5", "P2_6", "P2_7"):
        (root / name).symlink_to(root / "P2_8")
    data = configured("stereomis", root)
    assert data.test[0]["key"] == "P3/000000"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[StereoRight]", "[Other]", "[StereoRight] lacks 'StereoRight'"),
        ("fc_y=", "other=", "[StereoLeft] lacks 'fc_y'"),
        ("kc_2=", "other=", "[StereoLeft] lacks 'kc_2'"),
        ("res_x=", "res_x=wide", "a number is expected"),
        ("[StereoLeft]", "", "not an INI file"),
    ],
)
def test_a_broken_calibration_is_one_line(root: Path, old: str, new: str, message: str):
    path = root / "P1" / "StereoCalibration.ini"
    path.write_text(path.read_text().replace(old, new, 1))
    with one_line(path, message):
        StereoMis(root, None)


def test_broken_poses_are_one_line(root: Path):
    path = root / "P1" / "groundtruth.txt"
    path.write_text("0 0 0 0 0 0 1\n")
    with pytest.raises(DataError, match=r"groundtruth\.txt: 7 numbers, 1x8"):
        StereoMis(root, None)
    path.write_text("0 0 0 0 0 0 0 0\n")
    with pytest.raises(DataError, match=r"groundtruth\.txt: a quaternion of length 0"):
        StereoMis(root, None)


def test_a_missing_or_second_video_is_named(root: Path):
    video = next((root / "P1").glob("*.mp4"))
    video.with_name("other.mp4").write_bytes(b"")
    with pytest.raises(DataError, match=r"P1: one \.mp4 expected, found IFBS.*, other\.mp4"):
        StereoMis(root, None)
    video.unlink()
    with pytest.raises(DataError, match=r"other\.mp4: no video that OpenCV can open"):
        StereoMis(root, None)


def test_a_mask_of_a_third_size_is_refused(root: Path):
    write_mask(root / "P1" / "masks" / "000001l.png", tissue((50, 60)))
    with pytest.raises(DataError, match=r"000001l\.png: 60x50; masks are 160x128 or half"):
        StereoMis(root, None)[1]
