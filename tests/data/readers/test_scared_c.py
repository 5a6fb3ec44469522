"""SCARED-C's files, made of SCARED's miniature as its authors' script makes them of SCARED."""

import io
import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from raw_cameras import true_depth
from scared_files import XYZ, WrittenSequence, write_archive, write_sequence

from m3depth.data.readers.scared import Scared
from m3depth.data.readers.scared_c import ScaredC
from m3depth.errors import DataError

COLMAP_FOCAL = 1.05  # of COLMAP's camera over the calibration's
PLACED = [1, 2, 4]  # of four frames, counted from 1
NAME = "dataset_1/keyframe_2"


def correct(of: WrittenSequence) -> WrittenSequence:
    """Rewrite the archives: numbers from 1, poses relative to the keyframe, COLMAP's x and y."""
    data = of.folder / "data"
    for name in ("frame_data", "scene_points"):
        (data / f"{name}.tar.gz").unlink()
    poses, points = {}, {}
    for number in PLACED:
        frame = of.frames[number - 1]
        content = {
            "camera-calibration": "intrinsics_colmap.yaml",
            "camera-pose": np.linalg.inv(frame.camera_to_world).tolist(),
            "timestamp": 0,
        }
        poses[f"frame_data{number:06d}.json"] = json.dumps(content).encode()
        z = frame.points_mm[0][..., 2]
        height, width = z.shape
        k = of.cameras.matrices[0]
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        seen = (x - width / 2) / k[0, 0] / COLMAP_FOCAL, (y - height / 2) / k[1, 1] / COLMAP_FOCAL
        buffer = io.BytesIO()
        tifffile.imwrite(
            buffer, np.stack([seen[0] * z, seen[1] * z, z], -1).astype(np.float32), **XYZ
        )
        points[f"scene_points{number:06d}.tiff"] = buffer.getvalue()
    write_archive(data / "frame_data", poses)
    write_archive(data / "scene_points", points)
    log = {"key": "1_2", "total_frames_on_disk": 4, "included_frames": PLACED}
    (of.folder / "frame_log.json").write_text(json.dumps(log))
    return of


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> WrittenSequence:
    """Look, do not touch."""
    return correct(write_sequence(tmp_path_factory.mktemp("scared_c"), NAME, frames=4))


@pytest.fixture
def copy(written: WrittenSequence, tmp_path: Path) -> Path:
    """One to spoil."""
    shutil.copytree(written.folder, tmp_path / NAME)
    return tmp_path / NAME


def test_depth_comes_back_although_the_points_are_colmap_s(written: WrittenSequence):
    samples = list(ScaredC(written.folder.parents[1], None))
    assert [sample["key"] for sample in samples] == [f"{NAME}/{n - 1:06d}" for n in PLACED]
    for sample in samples:
        frame = int(sample["key"][-6:])
        pose = sample["camera_to_world"].double().numpy()
        depth = sample["depth_mm"][0]
        truth = true_depth(
            written.scene, sample["rig"], tuple(depth.shape), pose, written.time_s(frame)
        )
        error = (depth - torch.from_numpy(truth)).abs()[depth > 0]
        assert (depth > 0).float().mean() > 0.98
        assert error.median() < 0.1
        assert error.quantile(0.95) < 0.5


def test_a_key_names_the_same_picture_as_in_scared(written: WrittenSequence, tmp_path: Path):
    scared = write_sequence(tmp_path, NAME, frames=4)
    theirs = {sample["key"]: sample for sample in Scared(tmp_path, (64, 80))}
    for sample in ScaredC(written.folder.parents[1], (64, 80)):
        other = theirs[sample["key"]]
        assert torch.equal(sample["left"], other["left"])
        assert torch.equal(sample["right"], other["right"])
        torch.testing.assert_close(sample["camera_to_world"], other["camera_to_world"])
        assert sample["rig"].fx == pytest.approx(other["rig"].fx.item())
    assert scared.name == NAME


def test_only_listed_frames_that_colmap_placed(
    written: WrittenSequence, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING):
        chosen = ScaredC(written.folder.parents[1], None, frames={NAME: [1, 2, 3]}, truth=False)
    assert [sample["key"][-6:] for sample in chosen] == ["000001", "000003"]
    assert "1 of 3 listed frames" in caplog.text
    assert "depth_mm" not in chosen[0]


def test_frames_beyond_the_video_are_left_out_and_said(
    copy: Path, caplog: pytest.LogCaptureFixture
):
    log = json.loads((copy / "frame_log.json").read_text())
    (copy / "frame_log.json").write_text(json.dumps(log | {"included_frames": [2, 4, 9]}))
    with caplog.at_level(logging.WARNING):
        assert len(ScaredC(copy.parents[1], None)) == 2
    assert "frames beyond the 4 of rgb.mp4; 2 of 3 are used" in caplog.text


def test_scared_itself_is_told_apart(tmp_path: Path):
    write_sequence(tmp_path, NAME, size=(64, 80), frames=1)
    with pytest.raises(DataError, match=r"frame_log\.json: cannot be read.*data=scared"):
        ScaredC(tmp_path, None)


@pytest.mark.parametrize("log", ["{", '{"key": "1_2"}', '{"included_frames": ["a"]}'])
def test_a_broken_log_is_named(copy: Path, log: str):
    (copy / "frame_log.json").write_text(log)
    with pytest.raises(DataError, match=r"frame_log\.json: no list of included_frames"):
        ScaredC(copy.parents[1], None)


@pytest.mark.parametrize("log", ['{"included_frames": []}', '{"included_frames": [0, 1]}'])
def test_a_log_that_does_not_count_from_1_is_named(copy: Path, log: str):
    (copy / "frame_log.json").write_text(log)
    with pytest.raises(DataError, match=r"frame_log\.json: included_frames must be numbers from 1"):
        ScaredC(copy.parents[1], None)


@pytest.mark.parametrize("name", ["frame_data", "scene_points"])
def test_a_missing_archive_is_named(copy: Path, name: str):
    (copy / f"data/{name}.tar.gz").unlink()
    with pytest.raises(DataError, match=rf"data: no {name}\.tar\.gz"):
        ScaredC(copy.parents[1], None)


def test_a_missing_member_is_named(copy: Path):
    log = json.loads((copy / "frame_log.json").read_text())
    (copy / "frame_log.json").write_text(json.dumps(log | {"included_frames": [1, 3]}))
    with pytest.raises(DataError, match=r"000003\.\w+ is missing"):
        ScaredC(copy.parents[1], None)[1]


@pytest.mark.parametrize("content", [b"{", b'{"camera-pose": [1, 2]}', b'{"pose": 3}'])
def test_a_pose_that_is_none_is_named(copy: Path, content: bytes):
    write_archive(copy / "data/frame_data", {"frame_data000001.json": content})
    with pytest.raises(DataError, match=r"frame_data\.tar\.gz, number 1.*camera-pose"):
        ScaredC(copy.parents[1], None)[0]


def test_points_of_another_size_are_refused(copy: Path):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.ones((512, 320, 3), np.float32), **XYZ)
    write_archive(copy / "data/scene_points", {"scene_points000001.tiff": buffer.getvalue()})
    with pytest.raises(DataError, match=r"number 1: the frame is 320x512"):
        ScaredC(copy.parents[1], None)[0]


def test_its_keyframes_are_scared_s(written: WrittenSequence):
    (still,) = ScaredC(written.folder.parents[1], None, keyframes_only=True)
    assert still["key"] == f"{NAME}/Left_Image"
