"""What was changed in a scene, or may be meant, is told."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from exported_scenes import rewrite_npz, rewrite_record
from small_scenes import priors

from m3depth.priors.layouts.endonerf.foreign import ForeignScene
from m3depth.splatting.scene.read import read_clip


@pytest.mark.parametrize("scene", ["npz", "endonerf"], indirect=True)
def test_an_export_that_does_not_say_what_its_depth_is_is_read_and_told_once(
    scene: Path, caplog: pytest.LogCaptureFixture
):
    path = scene / "depth_meta.json"
    meta = json.loads(path.read_text())
    del meta["kind"], meta["depth_scale"]
    path.write_text(json.dumps(meta))
    for archive in (scene / "priors").glob("*.npz"):
        content = {k: v for k, v in np.load(archive).items() if k not in ("kind", "scale", "unit")}
        np.savez(archive, **content)
    for _ in range(2):
        frame, prior = read_clip(scene).frames[1], priors()[1]
        assert torch.equal(frame.depth_mm[frame.use], prior.depth_mm[prior.use])
    told = f"{path}: does not say what its depth is: taken for depth along z in mm"
    assert caplog.messages.count(told) == 1


@pytest.mark.parametrize("scene", ["endonerf"], indirect=True)
def test_masks_the_wrong_way_round_are_a_warning(scene: Path, caplog: pytest.LogCaptureFixture):
    read_clip(scene)
    assert not caplog.messages
    for path in (scene / "masks").glob("*.png"):
        cv2.imwrite(str(path), 255 - cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
    read_clip(scene)
    assert ["the masks leave" in said for said in caplog.messages].count(True) == 1
    assert "changed since the export: masks/000000.png, " in caplog.messages[0]


@pytest.mark.parametrize("scene", ["npz", "endonerf"], indirect=True)
def test_an_untouched_scene_says_nothing(scene: Path, caplog: pytest.LogCaptureFixture):
    assert read_clip(scene).edited == ()
    assert not caplog.messages


@pytest.mark.parametrize(
    ("scene", "file"),
    [("npz", "priors/000002.npz"), ("endonerf", "images/000002.png"), ("endonerf", "frames")],
    indirect=["scene"],
)
def test_what_was_changed_since_the_export_is_told(
    scene: Path, file: str, caplog: pytest.LogCaptureFixture
):
    path = scene / file
    if path.suffix == ".npz":
        rewrite_npz(scene, image=np.zeros((48, 64, 3), np.uint8))
    elif path.suffix == ".png":
        cv2.imwrite(str(path), np.zeros((48, 64, 3), np.uint8))
    else:
        rewrite_record(scene, camera_to_world=np.eye(4).tolist())
    assert read_clip(scene).edited == (file,)
    assert f"{scene}: changed since the export: {file}; the scene is taken as it is now" in (
        caplog.messages
    )


@pytest.mark.parametrize("scene", ["endonerf"], indirect=True)
def test_edited_depth_and_poses_are_what_is_read(scene: Path):
    """Pipelines read these files: a scene with another depth is not the clean one."""
    clean = read_clip(scene)
    path = scene / "depth/000002.png"
    depth = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(path), depth + 20)
    rows = np.load(scene / "poses_bounds.npy")
    rows[3, [3, 8, 13]] += (5.0, 6.0, 7.0)
    np.save(scene / "poses_bounds.npy", rows)
    edited = read_clip(scene)
    assert edited.edited == ("depth/000002.png", "poses_bounds.npy")
    off_mm = edited.frames[2].depth_mm - clean.frames[2].depth_mm
    assert off_mm.sub(20).abs().max() <= 0.5
    assert torch.equal(edited.frames[1].depth_mm, clean.frames[1].depth_mm)
    turned = clean.frames[0].camera_to_world[:3, :3]  # the file's world, and OpenGL's axes
    for index in range(4):
        moved = edited.frames[index].camera_to_world - clean.frames[index].camera_to_world
        expected = turned @ torch.tensor([5.0, -6.0, -7.0]) * (index == 3)
        assert torch.allclose(moved[:3, 3], expected, atol=1e-4)
        assert torch.allclose(moved[:3, :3], torch.zeros(3, 3), atol=1e-6)
        assert torch.equal(edited.frames[index].intrinsics, clean.frames[index].intrinsics)


@pytest.mark.parametrize("scene", ["npz"], indirect=True)
def test_an_export_without_checksums_is_read(scene: Path):
    for path in [scene / "depth_meta.json", *(scene / "frames").glob("*.json")]:
        record = json.loads(path.read_text())
        del record["crc32"]
        path.write_text(json.dumps(record))
    rewrite_npz(scene, image=np.zeros((48, 64, 3), np.uint8))
    assert read_clip(scene).edited == ()


@pytest.mark.parametrize("scene", ["npz"], indirect=True)
def test_what_may_be_meant_is_told(scene: Path, caplog: pytest.LogCaptureFixture):
    half = np.array([[30.0, 0, 16], [0, 30, 12], [0, 0, 1]])
    for path in (scene / "priors").glob("*.npz"):
        content = dict(np.load(path))
        content["depth_mm"] *= 1000
        content["intrinsics"] = half * [[1], [1], [1]] - [[0, 0, 9], [0, 0, 0], [0, 0, 0]]
        if path.stem == "000001":
            content["valid"][:] = False
        np.savez(path, **content)
    read_clip(scene, ForeignScene(1000.0))
    for said in (
        "its depth_meta.json says all; foreign.* is not used",
        "1 of 4 frames have no tissue of a known depth (000001)",
        "an endoscope sees 3 to 1000",
        "000000: K: cx 7, cy 12 is outside the middle of an image of 64x48",
    ):
        assert said in caplog.text
