"""EndoNeRF: one view, the tool's polarity, the focal length out of LLFF's array."""

from pathlib import Path

import numpy as np
import pytest
import torch
from miniatures import configured, scenes, write_image, write_mask, write_units

from m3depth.data.readers.endonerf import EndoNerf
from m3depth.errors import DataError

UNIT_MM = 0.25  # of the miniature's depth files


def write_poses(folder: Path, turn: float = 0.0, columns: int = 17) -> None:
    rows = []
    for index, scene in enumerate(scenes()):
        pose = np.eye(3, 4)
        pose[0, 3] = turn * index
        camera = np.array([[scene.size[0]], [scene.size[1]], [float(scene.rig.fx)]])
        rows.append(np.concatenate([np.hstack([pose, camera]).ravel(), [10.0, 200.0]]))
    np.save(folder / "poses_bounds.npy", np.array(rows)[:, :columns])


def tool_at(index: int) -> torch.Tensor:
    tool = torch.zeros(1, 72, 96, dtype=torch.bool)
    tool[:, 30:50, 40 + index :] = True
    return tool


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "endonerf"
    for clip in ("cutting", "pulling"):
        for index, scene in enumerate(scenes()):
            name = f"frame-{index:06d}"
            write_image(root / clip / "images" / f"{name}.color.png", scene.left)
            write_units(root / clip / "depth" / f"{name}.depth.png", scene.depth_mm, 1 / UNIT_MM)
            write_mask(root / clip / "masks" / f"{name}.mask.png", tool_at(index))
        write_poses(root / clip)
    return root


def test_frames_come_back_with_depth_tool_and_camera(root: Path):
    frames = EndoNerf(root, None, baseline_mm=4.2, depth_unit_mm=UNIT_MM)
    keys = [sample["key"] for sample in frames]
    assert keys[0] == "cutting/frame-000000.color"
    assert keys[3:] == [f"pulling/frame-00000{i}.color" for i in range(3)]
    for index, (sample, scene) in enumerate(zip(frames, scenes() * 2, strict=True)):
        assert "right" not in sample
        torch.testing.assert_close(sample["left"], scene.left, rtol=0, atol=0.003)
        error = (sample["depth_mm"] - scene.depth_mm).abs()
        assert float(error.max()) < 0.126  # half a unit
        assert torch.equal(sample["tool"], tool_at(index % 3))  # not 0 = instrument
        rig = sample["rig"]
        assert float(rig.fx) == float(rig.fy) == pytest.approx(float(scene.rig.fx))
        assert (float(rig.cx), float(rig.cy)) == (48, 36)  # half the sides, as loaders have it
        assert float(rig.baseline_mm) == pytest.approx(4.2)
        assert torch.equal(sample["camera_to_world"], torch.eye(4))  # it stands still


def test_without_a_unit_there_is_no_depth(root: Path):
    sample = EndoNerf(root, (36, 48))[0]
    assert "depth_mm" not in sample
    assert not sample["rig"].calibrated
    assert sample["tool"].shape == (1, 36, 48)  # beside the image
    assert bool(sample["tool"][0, 15:25, 20:].all())


def test_poses_that_differ_are_refused_or_left_out_when_asked_and_told(root: Path, caplog):
    """They were left out in silence, and exports said that the camera stands still."""
    write_poses(root / "cutting", turn=1.0)
    with pytest.raises(DataError, match=r"the camera moves, .*\.without_poses=true"):
        EndoNerf(root, None, clips=["cutting"])
    frames = EndoNerf(root, None, clips=["cutting"], without_poses=True)
    assert "camera_to_world" not in frames[0]
    assert "an export takes it for a still one" in caplog.text


def test_the_file_s_other_spelling_and_a_clip_alone_are_found(root: Path):
    (root / "cutting" / "poses_bounds.npy").rename(root / "cutting" / "pose_bounds.npy")
    assert len(EndoNerf(root / "cutting", None)) == 3
    assert len(EndoNerf(root / "cutting" / "images", None)) == 3


def test_masks_are_optional(root: Path):
    for path in (root / "cutting" / "masks").iterdir():
        path.unlink()
    (root / "cutting" / "masks").rmdir()
    assert "tool" not in EndoNerf(root, None, clips=["cutting"])[0]


def test_the_configuration_builds(root: Path):
    assert "right" not in configured("endonerf", root).test[0]


def test_poses_of_another_shape_are_refused(root: Path):
    write_poses(root / "cutting", columns=16)
    with pytest.raises(DataError, match=r"poses_bounds\.npy: shape \(3, 16\); .* n x 17"):
        EndoNerf(root, None)


def test_a_truncated_array_names_itself(root: Path):
    path = root / "cutting" / "poses_bounds.npy"
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(DataError, match=r"poses_bounds\.npy: not a readable \.npy array"):
        EndoNerf(root, None)


def test_a_missing_mask_is_named_and_a_missing_clip_too(root: Path):
    (root / "cutting" / "masks" / "frame-000001.mask.png").unlink()
    with pytest.raises(DataError, match="masks: no file for frame: 1 "):
        EndoNerf(root, None)
    with pytest.raises(DataError, match="no such folder: sewing"):
        EndoNerf(root, None, clips=["sewing"])
