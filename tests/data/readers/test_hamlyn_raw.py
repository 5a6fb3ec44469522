"""Raw Hamlyn: side by side or two videos, text calibrations, rectified on the way."""

from pathlib import Path

import numpy as np
import pytest
import torch
from miniatures import configured, one_line
from recorded_views import assert_is_moment, filmed, write_video

from m3depth.data.readers.hamlyn_raw import HamlynRaw
from m3depth.errors import DataError


def text(matrix: np.ndarray) -> str:
    return "\n".join(" ".join(f"{value:.10g}" for value in row) for row in np.atleast_2d(matrix))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Dataset4 is side by side, Dataset8 has two videos."""
    cameras, frames = filmed()
    left, right = ([frame.pictures[view] for frame in frames] for view in (0, 1))
    both = [np.concatenate(pair, axis=1) for pair in zip(left, right, strict=True)]
    root = tmp_path / "Hamlyn"
    write_video(root / "Dataset4" / "capture-20110222T172724Z.avi", both, "MJPG")
    write_video(root / "Dataset8" / "left.avi", left, "MJPG")
    write_video(root / "Dataset8" / "right.avi", right, "MJPG")
    for folder in root.iterdir():
        for view, side in enumerate(("Left", "Right")):
            rows = text(cameras.matrices[view]) + "\n\n" + text(cameras.distortions[view])
            (folder / f"{side}_Camera_Calibration_Intrinsic.txt").write_text(rows + "\n")
        extrinsic = text(cameras.rotation) + "\n" + text(cameras.translation_mm)
        (folder / "camera_extrinsic.txt").write_text(extrinsic + "\n")
    return root


def test_the_views_are_rectified_with_their_rig(root: Path):
    frames = HamlynRaw(root, None)
    keys = [f"{name}/00000{i}" for name in ("Dataset4", "Dataset8") for i in range(4)]
    assert [sample["key"] for sample in frames] == keys
    for index, sample in enumerate(frames):
        assert "depth_mm" not in sample
        assert_is_moment(sample, index % 4)


def test_a_resize_keeps_views_and_rig_together(root: Path):
    assert_is_moment(HamlynRaw(root, (96, 112), ["Dataset4"])[2], 2)


def test_step_and_repeat(root: Path):
    keys = [s["key"] for s in HamlynRaw(root, (32, 40), ["Dataset8"], step=3, repeat=2)]
    assert keys == ["Dataset8/000000", "Dataset8/000003"] * 2


@pytest.mark.parametrize("place", ["Dataset4", "Dataset4/deeper"])
def test_a_sequence_alone_or_a_folder_too_deep_is_found(root: Path, place: str):
    (root / "Dataset4" / "deeper").mkdir()
    assert len(HamlynRaw(root / place, None)) == 4


def test_the_configuration_builds(root: Path):
    assert len(configured("hamlyn_raw", root).train) == 8


def test_extrinsics_the_other_way_round_are_refused_and_can_be_read(root: Path):
    cameras, _ = filmed()
    inverse = cameras.rotation.T
    rows = text(inverse) + "\n" + text(-inverse @ cameras.translation_mm)
    (root / "Dataset4" / "camera_extrinsic.txt").write_text(rows)
    with pytest.raises(DataError, match=r"camera_extrinsic\.txt: T is .* negative T\[0\]"):
        HamlynRaw(root, None, ["Dataset4"])
    assert_is_moment(HamlynRaw(root, None, ["Dataset4"], inverse_extrinsics=True)[1], 1)


def test_the_shorter_of_two_videos_ends_both_and_says_so(root: Path, caplog):
    _, frames = filmed()
    short = [frame.pictures[1] for frame in frames[:2]]
    write_video(root / "Dataset8" / "right.avi", short, "MJPG")
    assert len(HamlynRaw(root, None, ["Dataset8"])) == 2
    assert "left.avi 4, right.avi 2 frames; the first 2 are used" in caplog.text


@pytest.mark.parametrize(
    ("file", "rows", "message"),
    [
        ("Left_Camera_Calibration_Intrinsic.txt", "1 0 0\n0 1 0\n0 0 1\n", "3 rows; expected 3"),
        ("Left_Camera_Calibration_Intrinsic.txt", "1 0\n0 1\n0 0\n0 0 0 0\n", "6 numbers, 3x3"),
        ("Right_Camera_Calibration_Intrinsic.txt", "wide\n", "not a table of numbers"),
        ("camera_extrinsic.txt", "1 0 0\n0 1 0\n0 0 1\n", "T, row 4: 0 numbers, 1x3"),
    ],
)
def test_a_broken_calibration_is_one_line(root: Path, file: str, rows: str, message: str):
    (root / "Dataset4" / file).write_text(rows)
    with one_line(root / "Dataset4" / file, message):
        HamlynRaw(root, None)


def test_missing_files_are_named(root: Path):
    (root / "Dataset4" / "Left_Camera_Calibration_Intrinsic.txt").unlink()
    with pytest.raises(DataError, match=r"Left_Camera_Calibration_Intrinsic\.txt: cannot be read"):
        HamlynRaw(root, None)
    (root / "Dataset8" / "right.avi").rename(root / "Dataset8" / "other.avi")
    with pytest.raises(DataError, match=r"found left\.avi, other\.avi"):
        HamlynRaw(root, None, ["Dataset8"])


def test_a_truncated_video_names_itself(root: Path):
    path = next((root / "Dataset4").glob("*.avi"))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataError, match=r"Z\.avi: "):
        HamlynRaw(root, None)


def test_views_of_another_size_than_the_first_are_refused(root: Path):
    _, frames = filmed()
    larger = [np.pad(frame.pictures[1], ((0, 16), (0, 0), (0, 0))) for frame in frames]
    write_video(root / "Dataset8" / "right.avi", larger, "MJPG")
    with pytest.raises(DataError, match=r"the frame is 160x144, but .* is for 160x128"):
        HamlynRaw(root, None, ["Dataset8"])[0]


def test_images_are_rgb(root: Path):
    mean = HamlynRaw(root, None)[0]["left"].mean(dim=(1, 2))
    raw = torch.from_numpy(filmed()[1][0].pictures[0]).float().mean(dim=(0, 1)) / 255
    torch.testing.assert_close(mean, raw, rtol=0, atol=0.05)
    assert float(mean[0]) > float(mean[2]) + 0.1  # tissue is red
