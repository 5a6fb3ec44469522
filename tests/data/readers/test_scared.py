import logging
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from raw_cameras import true_depth
from scared_files import (
    WrittenSequence,
    frame_json,
    points_tiff,
    write_archive,
    write_calibration,
    write_folder,
    write_sequence,
)

from m3depth.data.readers.scared import Scared
from m3depth.errors import DataError
from m3depth.geometry.rectification import rectification
from m3depth.geometry.warp import warp
from m3depth.log import warn_once
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth

SIZE = (128, 160)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> dict[str, WrittenSequence]:
    """Two filmed sequences and a keyframe without a video; look, do not touch."""
    root = tmp_path_factory.mktemp("unzipped") / "scared"
    made = [
        write_sequence(root, "dataset_1/keyframe_2"),
        write_sequence(root, "dataset_1/keyframe_10", frames=2, unpacked=True, baseline_mm=4.1),
        write_sequence(root, "dataset_2/keyframe_5", frames=0),
    ]
    return {sequence.name: sequence for sequence in made}


@pytest.fixture(autouse=True)
def _said_again() -> None:
    warn_once.cache_clear()


@pytest.fixture
def root(written) -> Path:
    return next(iter(written.values())).folder.parents[1]


@pytest.fixture
def copy(root, tmp_path) -> Path:
    """One sequence to spoil."""
    shutil.copytree(root / "dataset_1/keyframe_2", tmp_path / "dataset_1/keyframe_2")
    return tmp_path / "dataset_1/keyframe_2"


def errors_mm(
    sample: StereoBatch, of: WrittenSequence, pose: np.ndarray, frame: int
) -> torch.Tensor:
    depth = sample["depth_mm"][0]
    rig = sample["rig"].resized(tuple(sample["left"].shape[-2:]), tuple(depth.shape))
    truth = torch.from_numpy(true_depth(of.scene, rig, tuple(depth.shape), pose, of.time_s(frame)))
    assert (depth > 0).float().mean() > 0.98
    return (depth - truth).abs()[depth > 0]


def photometric(sample: StereoBatch, rig: StereoRig, rows: int) -> float:
    """How far the right view, seen through the true depth, is from the left one."""
    disparity = disparity_from_depth(sample["depth_mm"][None], rig)
    rebuilt, visible = warp(sample["right"][None].roll(rows, -2), -disparity)
    usable = visible & (sample["depth_mm"][None] > 0)
    return (
        (rebuilt - sample["left"])[..., 8:-8, 8:-8]
        .abs()
        .where(usable[..., 8:-8, 8:-8], torch.tensor(0.0))
        .mean()
        .item()
    )


def test_keyframes_come_back_as_the_scenes_that_were_written(written, root):
    stills = Scared(root, None, keyframes_only=True)
    keys = [sample["key"] for sample in stills]
    assert keys == [
        f"dataset_{n}/Left_Image" for n in ("1/keyframe_2", "1/keyframe_10", "2/keyframe_5")
    ]
    for sample, of in zip(stills, written.values(), strict=True):
        turned = rectification(of.cameras.calibration())
        pose = turned.pose(torch.from_numpy(of.frames[0].camera_to_world)).numpy()
        error = errors_mm(sample, of, pose, 0)
        assert error.median() < 0.1
        assert error.quantile(0.95) < 0.5
        assert sample["rig"].baseline_mm == pytest.approx(of.cameras.baseline_mm, abs=1e-4)
        assert "camera_to_world" not in sample


@pytest.mark.parametrize("size", [None, SIZE])
def test_videos_come_back_as_the_scenes_that_were_written(written, root, size):
    for sample in Scared(root, size):
        name, frame = sample["key"].rsplit("/", 1)
        of = written[name]
        pose = sample["camera_to_world"].double().numpy()
        error = errors_mm(sample, of, pose, int(frame))
        assert error.median() < 0.1
        assert error.quantile(0.95) < 0.5
        assert sample["left"].shape[-2:] == (size or (256, 320))
        if size is None:
            assert photometric(sample, sample["rig"], 0) < 0.02
            assert photometric(sample, sample["rig"], 3) > 1.3 * photometric(
                sample, sample["rig"], 0
            )


def test_order_keys_and_choice(root, caplog):
    with caplog.at_level(logging.WARNING):
        every = Scared(root, SIZE, truth=False)
    assert "1 sequences have no video and are left out: dataset_2/keyframe_5" in caplog.text
    keys = [sample["key"] for sample in every]
    two, ten = "dataset_1/keyframe_2/", "dataset_1/keyframe_10/"
    assert keys == [two + "000000", two + "000001", two + "000002", ten + "000000", ten + "000001"]
    assert "depth_mm" not in every[0]
    listed = Scared(
        root, SIZE, frames={"dataset_1/keyframe_2": [2, 0], "dataset_1/keyframe_10": range(1)}
    )
    assert [s["key"] for s in listed] == [two + "000000", two + "000002", ten + "000000"]
    assert len(Scared(root, SIZE, ["dataset_1/keyframe_10"], repeat=3)) == 6
    with pytest.raises(DataError, match=r"no such sequence: dataset_9/keyframe_1"):
        Scared(root, SIZE, ["dataset_9/keyframe_1"])


def test_frames_beyond_the_video_are_left_out_and_said(root, caplog):
    with caplog.at_level(logging.WARNING):
        assert len(Scared(root, SIZE, frames={"dataset_1/keyframe_2": [1, 7, 8]})) == 1
    assert "2 of 3 listed frames lie beyond the 3 that are there" in caplog.text


@pytest.mark.parametrize(
    "inside", ["..", "dataset_1", "dataset_1/keyframe_2", "dataset_1/keyframe_2/data"]
)
def test_a_root_that_is_a_level_off(root, inside):
    assert Scared(root / inside, SIZE)[0]["key"] == "dataset_1/keyframe_2/000000"


def test_other_spellings_of_the_folders(copy):
    copy.parent.rename(copy.parents[1] / "test_dataset_8")
    (copy.parents[1] / "test_dataset_8/keyframe_2").rename(
        copy.parents[1] / "test_dataset_8/keyframe0"
    )
    assert Scared(copy.parents[1], SIZE)[0]["key"] == "dataset_8/keyframe_0/000000"


def test_it_travels_to_workers(root):
    dataset = Scared(root, SIZE)
    there = pickle.loads(pickle.dumps(dataset))
    for index in (4, 0, 2):
        assert torch.equal(there[index]["left"], dataset[index]["left"])
        assert torch.equal(there[index]["depth_mm"], dataset[index]["depth_mm"])


def test_the_smallest_count_is_taken_and_said(tmp_path, written, caplog):
    frames = written["dataset_1/keyframe_2"].frames
    folder = tmp_path / "dataset_1/keyframe_2"
    shutil.copytree(written["dataset_1/keyframe_2"].folder, folder)
    write_archive(
        folder / "data/scene_points",
        {f"scene_points{i:06d}.tiff": points_tiff(frames[i]) for i in range(2)},
    )
    with caplog.at_level(logging.WARNING):
        dataset = Scared(tmp_path, SIZE)
    assert len(dataset) == 2
    assert (
        "rgb.mp4 has 3, frame_data has 3, scene_points has 2 frames; the first 2 are used"
        in caplog.text
    )


def test_without_poses_and_points(copy, caplog):
    for part in ("frame_data", "scene_points"):
        (copy / f"data/{part}.tar.gz").unlink()
    with caplog.at_level(logging.WARNING):
        sample = Scared(copy.parents[1], SIZE)[1]
    assert "no scene_points" in caplog.text
    assert "camera_to_world" not in sample
    assert sample["depth_mm"].abs().sum() == 0
    assert sample["rig"].baseline_mm == pytest.approx(4.4, abs=1e-4)


def test_the_badly_calibrated_sets_are_said(copy, caplog):
    copy.parent.rename(copy.parents[1] / "dataset_5")
    with caplog.at_level(logging.WARNING):
        Scared(copy.parents[1], SIZE)
    assert "datasets 4 and 5, whose calibration is known to be wrong" in caplog.text


def cut_video(folder: Path, of: WrittenSequence) -> None:
    path = folder / "data/rgb.mp4"
    path.write_bytes(path.read_bytes()[:-2000])


def no_yaml_key(folder: Path, of: WrittenSequence) -> None:
    (folder / "data/frame_data.tar.gz").unlink()
    write_calibration(folder / "endoscope_calibration.yaml", of.cameras, without="D2")


def no_json_key(folder: Path, of: WrittenSequence) -> None:
    broken = frame_json(of.cameras, of.frames[0]).replace(b'"KR"', b'"K"')
    write_archive(folder / "data/frame_data", {f"frame_data{i:06d}.json": broken for i in range(3)})


def swapped(folder: Path, of: WrittenSequence) -> None:
    said = frame_json(of.cameras, of.frames[0]).replace(b"[[-4.", b"[[4.")
    write_archive(folder / "data/frame_data", {f"frame_data{i:06d}.json": said for i in range(3)})


def missing_member(folder: Path, of: WrittenSequence) -> None:
    some = {f"scene_points{i:06d}.tiff": points_tiff(of.frames[i]) for i in (0, 2)}
    write_archive(folder / "data/scene_points", some)


def cut_archive(folder: Path, of: WrittenSequence) -> None:
    path = folder / "data/scene_points.tar.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_tiff(folder: Path, of: WrittenSequence) -> None:
    some = {f"scene_points{i}.tiff": points_tiff(of.frames[i])[:100000] for i in range(3)}
    (folder / "data/scene_points.tar.gz").unlink()
    write_folder(folder / "data/scene_points", some)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (cut_video, r"rgb\.mp4: no video that OpenCV can open"),
        (no_yaml_key, r"endoscope_calibration\.yaml: D2 missing"),
        (no_json_key, r"frame_data\.tar\.gz, frame 1: KR missing"),
        (swapped, r"frame_data\.tar\.gz, frame 1: T is \(4\..*swap left and right"),
        (missing_member, r"scene_points\.tar\.gz: scene_points000001\.tiff is missing"),
        (cut_archive, r"scene_points\.tar\.gz: truncated or damaged"),
        (cut_tiff, r"scene_points, frame 1: truncated or not a TIFF"),
    ],
)
def test_one_clear_line(copy, written, spoil, complaint):
    spoil(copy, written["dataset_1/keyframe_2"])
    with pytest.raises(DataError, match=complaint) as raised:
        Scared(copy.parents[1], SIZE)[1]
    assert "\n" not in str(raised.value)


def test_a_truncated_depth_map_of_a_keyframe(copy):
    path = copy / "left_depth_map.tiff"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"left_depth_map\.tiff: truncated or not a TIFF"):
        Scared(copy.parents[1], SIZE, keyframes_only=True)[0]


def test_nothing_there(tmp_path):
    with pytest.raises(DataError, match=r"no folder with endoscope_calibration\.yaml"):
        Scared(tmp_path, SIZE)


def test_keyframes_without_videos(tmp_path, root):
    shutil.copytree(root / "dataset_2", tmp_path / "dataset_2")
    with pytest.raises(DataError, match=r"no video \(data/rgb\.mp4\) in 1 sequences"):
        Scared(tmp_path, SIZE)


def test_one_sequence_without_poses_leaves_out_those_of_all_and_says_so(copy, root, caplog):
    other = copy.parent / "keyframe_9"
    shutil.copytree(copy, other)
    (other / "data/frame_data.tar.gz").unlink()
    assert "camera_to_world" not in Scared(copy.parents[1], SIZE, truth=False)[0]
    assert "1 of 2 sequences have no poses, such as dataset_1/keyframe_9" in caplog.text
