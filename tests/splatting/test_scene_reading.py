"""Scenes come back as they were exported, or as others wrote them."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from exported_scenes import WRITERS, exported, not_ours
from small_scenes import priors

from m3depth.errors import ConfigError, DataError
from m3depth.geometry import poses
from m3depth.priors.layouts.colmap.layout import ColmapLayout
from m3depth.priors.layouts.endonerf.foreign import ForeignScene
from m3depth.priors.layouts.endonerf.layout import EndoNeRFLayout
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.writer import scene_writer
from m3depth.splatting.scene.clip import Clip
from m3depth.splatting.scene.read import read_clip


@pytest.mark.parametrize("name", WRITERS)
def test_a_scene_comes_back_as_it_was(name: str, written: dict[str, Path]):
    """The clip's principal point is half a pixel off the middle, so nothing is cropped."""
    clip = read_clip(written[name])
    assert len(clip) == len(priors())
    for frame, prior in zip(clip.frames, priors(), strict=True):
        assert torch.allclose(frame.image, prior.image, atol=0.5 / 255)
        assert torch.equal(frame.use, prior.use)
        assert torch.equal(frame.depth_mm[frame.use], prior.depth_mm[prior.use])
        assert torch.allclose(frame.camera_to_world, prior.camera_to_world, atol=1e-5)
        assert torch.allclose(frame.intrinsics, prior.rig.matrix())


@pytest.mark.parametrize("name", ["npz", "endonerf"])
def test_a_skipped_frame_does_not_move_the_others_in_time(name: str, tmp_path: Path):
    writer, shown = WRITERS[name](tmp_path), [priors()[i % 4] for i in range(6)]
    for index, prior in enumerate(shown):
        if index in (0, 2):
            writer.skip(index, prior.key, "unreadable")
        else:
            writer.write(index, prior)
    assert writer.finish(6) == []
    clip = read_clip(writer.folder)
    assert [clip.time(index) for index in range(4)] == [0, 0.5, 0.75, 1]
    assert [clip.to("cpu").time(index) for index in range(4)] == [0, 0.5, 0.75, 1]
    assert clip.fingerprint != Clip(clip.frames).fingerprint  # whose fit would be another
    whole = read_clip(exported(WRITERS[name](tmp_path / "whole")))
    assert [whole.time(index) for index in range(4)] == [0, 1 / 3, 2 / 3, 1]
    assert whole.fingerprint == Clip(whole.frames).fingerprint


def test_our_frames_are_named_by_their_place(tmp_path: Path):
    scene = exported(scene_writer(tmp_path / "scene", NpzLayout))
    (scene / "priors/000002.npz").rename(scene / "priors/third.npz")
    with pytest.raises(DataError, match=r"scene: a frame called third; .* export the scene again"):
        read_clip(scene)


def test_unknown_depth_is_not_taken_for_a_tool_in_npz(tmp_path: Path):
    holed = [replace(prior, depth_mm=prior.depth_mm.clone()) for prior in priors()]
    for prior in holed:
        prior.depth_mm[:, :10] = 0
    frame = read_clip(exported(scene_writer(tmp_path / "scene", NpzLayout), tuple(holed))).frames[0]
    assert torch.equal(frame.use, holed[0].use)
    assert not frame.known[:, :10].any()
    assert frame.known[:, 10:].any()


def from_the_first() -> list[torch.Tensor]:
    """The poses in the first camera's world, which is the file's."""
    moved = [prior.camera_to_world for prior in priors()]
    return [torch.linalg.inv(moved[0]) @ pose for pose in moved]


@pytest.mark.parametrize("scene", ["endonerf"], indirect=True)
def test_a_foreign_scene_is_read_as_its_readers_do(scene: Path):
    """The poses' axes are told; K is EndoNeRF's; depth files are of whole millimetres."""
    ours = read_clip(scene)
    shutil.rmtree(scene / "frames")
    (scene / "depth_meta.json").unlink()
    theirs = read_clip(scene, ForeignScene(1.0, poses.opengl()))
    for frame, pose, known in zip(theirs.frames, from_the_first(), ours.frames, strict=True):
        assert torch.allclose(frame.camera_to_world, pose, atol=1e-5)
        assert torch.allclose(frame.depth_mm, known.depth_mm, atol=0.5)
        assert torch.equal(frame.use, known.use)
        assert frame.intrinsics[:2, 2].tolist() == [32, 24]
    in_tenths = read_clip(scene, ForeignScene(0.1, poses.opengl())).frames[1]
    assert torch.allclose(in_tenths.depth_mm, theirs.frames[1].depth_mm * 0.1)
    moved = theirs.frames[1].camera_to_world[:3, 3] * 0.1
    assert torch.allclose(in_tenths.camera_to_world[:3, 3], moved)


@pytest.mark.parametrize("axes", [poses.opencv, poses.opengl, poses.llff, poses.gsharp])
def test_a_foreign_scenes_axes_are_the_ones_that_are_told(
    axes: Callable[[], poses.PoseConvention], tmp_path: Path
):
    scene = exported(scene_writer(tmp_path / "scene", EndoNeRFLayout, pose_convention=axes()))
    not_ours(scene)
    found = read_clip(scene, ForeignScene(1.0, axes())).frames
    for frame, pose in zip(found, from_the_first(), strict=True):
        assert torch.allclose(frame.camera_to_world, pose, atol=1e-5)


@pytest.mark.parametrize("scene", ["endonerf"], indirect=True)
def test_what_a_foreign_scene_leaves_open_is_asked_for(scene: Path):
    not_ours(scene)
    with pytest.raises(DataError, match=r"the camera moves.*pose_convention"):
        read_clip(scene, ForeignScene(1.0))
    a_pose = np.load(scene / "poses_bounds.npy")
    np.save(scene / "poses_bounds.npy", np.repeat(a_pose[:1], 4, 0))
    still = read_clip(scene, ForeignScene(1.0))
    assert all(torch.equal(frame.camera_to_world, torch.eye(4)) for frame in still.frames)
    np.save(scene / "poses_bounds.npy", np.repeat(a_pose[:1], 3, 0))
    with pytest.raises(DataError, match="4 images, but 3 poses"):
        read_clip(scene, ForeignScene(1.0))
    np.save(scene / "poses_bounds.npy", a_pose[:, :12])
    with pytest.raises(DataError, match="n x 17 numbers"):
        read_clip(scene, ForeignScene(1.0))
    np.save(scene / "poses_bounds.npy", a_pose[:0])
    with pytest.raises(DataError, match="n x 17 numbers"):
        read_clip(scene, ForeignScene(1.0))


def test_a_foreign_scene_has_a_unit_above_0():
    with pytest.raises(ConfigError, match=r"depth_unit_mm=0\.0: expected a number"):
        ForeignScene(0.0)


def test_a_layout_without_a_reader_is_named(tmp_path: Path):
    scene = exported(scene_writer(tmp_path / "scene", ColmapLayout))
    with pytest.raises(DataError, match="no scene: expected priors or poses_bounds"):
        read_clip(scene)


@pytest.mark.parametrize("scene", ["endonerf"], indirect=True)
def test_a_foreign_scenes_k_is_of_its_images(scene: Path):
    not_ours(scene)
    rows = np.load(scene / "poses_bounds.npy")
    rows[:, [4, 9]] = 96, 128
    np.save(scene / "poses_bounds.npy", rows)
    with pytest.raises(DataError, match=r"is of images of 128x96, here they are 64x48"):
        read_clip(scene, ForeignScene(1.0, poses.opengl()))
