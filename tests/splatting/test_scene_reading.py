"""Scenes come back as they were exported, and what is wrong with one is a line."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from small_scenes import priors

from m3depth.errors import ConfigError, DataError
from m3depth.geometry import poses
from m3depth.priors.layouts.colmap.layout import ColmapLayout
from m3depth.priors.layouts.endonerf.foreign import ForeignScene
from m3depth.priors.layouts.endonerf.layout import EndoNeRFLayout, EndoNeRFStereoLayout
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.writer import SceneWriter, scene_writer
from m3depth.priors.prior import DepthPrior
from m3depth.splatting.scene.clip import Clip
from m3depth.splatting.scene.read import read_clip

Make = Callable[[Path], SceneWriter]


def of(layout: type[Layout], name: str = "scene", **options: object) -> Make:
    return lambda folder: scene_writer(folder / name, layout, **options)


WRITERS: dict[str, Make] = {
    "npz": of(NpzLayout),
    "endonerf": of(EndoNeRFLayout, pose_convention=poses.opengl()),
    "eight_bits": of(EndoNeRFLayout, pose_convention=poses.llff(), depth_bits=8),
    "stereo": of(EndoNeRFStereoLayout, "stereo_scene", pose_convention=poses.opencv()),
}


def exported(writer: SceneWriter, frames: tuple[DepthPrior, ...] | None = None) -> Path:
    frames = frames or priors()
    for index, prior in enumerate(frames):
        writer.write(index, prior)
    assert writer.finish(len(frames)) == []
    return writer.folder


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: exported(make(tmp_path_factory.mktemp(name))) for name, make in WRITERS.items()}


@pytest.fixture
def scene(request: pytest.FixtureRequest, written: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(written[request.param], tmp_path / written[request.param].name))


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


def rewrite_npz(scene: Path, **changes: object) -> None:
    path = scene / "priors/000002.npz"
    content = dict(np.load(path)) | changes
    np.savez(path, **content)


def nan_colours(scene: Path) -> None:
    rewrite_npz(scene, image=np.full((48, 64, 3), np.nan, np.float32))


def no_focal_length(scene: Path) -> None:
    rewrite_npz(scene, intrinsics=np.zeros((3, 3)))


def meta_a_list(scene: Path) -> None:
    (scene / "depth_meta.json").write_text("[]")


def rewrite_meta(scene: Path, **changes: object) -> None:
    path = scene / "depth_meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def meta_of_another_layout(scene: Path) -> None:
    rewrite_meta(scene, writer="NpzWriter")


def meta_in_another_unit(scene: Path) -> None:
    rewrite_meta(scene, unit_mm=1000.0)


def meta_in_metres(scene: Path) -> None:
    rewrite_meta(scene, unit="m", unit_mm=1000.0)


def disparity_said(scene: Path) -> None:
    rewrite_meta(scene, kind="disparity in pixels")


def relative_depth_said(scene: Path) -> None:
    rewrite_meta(scene, depth_scale="up_to_scale")


def metres_said(scene: Path) -> None:
    rewrite_meta(scene, unit="m")


def disparity_said_in_a_file(scene: Path) -> None:
    rewrite_npz(scene, kind=np.array("disparity_px"))


def meta_of_another_scene(scene: Path) -> None:
    rewrite_meta(scene, size=[512, 640])


def rewrite_record(scene: Path, **changes: object) -> None:
    path = scene / "frames/000001.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def record_cut_off(scene: Path) -> None:
    (scene / "frames/000001.json").write_text('{"camera_to_w')


def record_of_half_a_pose(scene: Path) -> None:
    rewrite_record(scene, camera_to_world=np.eye(3).tolist())


def stopped_before_the_poses(scene: Path) -> None:
    (scene / "depth_meta.json").unlink()
    (scene / "poses_bounds.npy").unlink()


def no_focal_in_a_record(scene: Path) -> None:
    rewrite_record(scene, camera={"K_exact": [[0, 0, 32], [0, 0, 24], [0, 0, 1]]})


def no_rotation(scene: Path) -> None:
    rewrite_npz(scene, camera_to_world=np.diag([2.0, 2.0, 2.0, 1.0]))


def nan_pose(scene: Path) -> None:
    rewrite_npz(scene, camera_to_world=np.full((4, 4), np.nan))


def another_size(scene: Path) -> None:
    small = {name: np.ones((40, 64), bool) for name in ("valid", "use", "confidence")}
    depth, image = np.full((40, 64), 50.0), np.zeros((40, 64, 3), np.uint8)
    rewrite_npz(scene, depth_mm=depth, image=image, **small)


def in_metres(scene: Path) -> None:
    rewrite_npz(scene, depth_mm=np.full((48, 64), 0.05, np.float32), valid=np.ones((48, 64), bool))


def no_depth(scene: Path) -> None:
    for path in (scene / "priors").glob("*.npz"):
        np.savez(path, **(dict(np.load(path)) | {"valid": np.zeros((48, 64), bool)}))


def truncated(scene: Path) -> None:
    path = scene / "priors/000002.npz"
    path.write_bytes(path.read_bytes()[:1000])


def lacking(scene: Path) -> None:
    path = scene / "priors/000002.npz"
    content = dict(np.load(path))
    del content["intrinsics"]
    np.savez(path, **content)


def ends_early(scene: Path) -> None:
    (scene / "priors/000003.npz").unlink()


def half_written(scene: Path) -> None:
    (scene / "depth_meta.json").unlink()


def meta_cut_off(scene: Path) -> None:
    (scene / "depth_meta.json").write_text('{"frames": ')


def one_frame(scene: Path) -> None:
    for index in (1, 2, 3):
        (scene / f"priors/00000{index}.npz").unlink()
    meta = json.loads((scene / "depth_meta.json").read_text())
    (scene / "depth_meta.json").write_text(json.dumps(meta | {"frames": 1}))


def no_folder(scene: Path) -> None:
    shutil.rmtree(scene)


def no_mask(scene: Path) -> None:
    (scene / "masks/000001.png").unlink()


def no_image(scene: Path) -> None:
    (scene / "images/000002.png").unlink()


def zeros_and_ones(scene: Path) -> None:
    cv2.imwrite(str(scene / "masks/000001.png"), np.ones((48, 64), np.uint8))


def three_channels(scene: Path) -> None:
    cv2.imwrite(str(scene / "masks/000001.png"), np.zeros((48, 64, 3), np.uint8))


def small_mask(scene: Path) -> None:
    cv2.imwrite(str(scene / "masks/000001.png"), np.zeros((40, 64), np.uint8))


def all_masked(scene: Path) -> None:
    for path in (scene / "masks").glob("*.png"):
        cv2.imwrite(str(path), np.full((48, 64), 255, np.uint8))


def no_record(scene: Path) -> None:
    (scene / "frames/000001.json").unlink()


def nan_where_it_is_not_valid(scene: Path) -> None:
    depth = np.full((48, 64), 50.0, np.float32)
    depth[0, 0] = np.nan
    rewrite_npz(scene, depth_mm=depth, valid=np.isfinite(depth))


def negative_depth(scene: Path) -> None:
    rewrite_npz(scene, depth_mm=np.full((48, 64), -3.0, np.float32))


def zero_depth(scene: Path) -> None:
    rewrite_npz(scene, depth_mm=np.zeros((48, 64), np.float32))


def confidence_in_percent(scene: Path) -> None:
    rewrite_npz(scene, confidence=np.full((48, 64), 80.0, np.float32))


def nan_in_the_poses(scene: Path) -> None:
    poses_file = np.load(scene / "poses_bounds.npy")
    poses_file[1, 3] = np.nan
    np.save(scene / "poses_bounds.npy", poses_file)


def a_pose_less(scene: Path) -> None:
    np.save(scene / "poses_bounds.npy", np.load(scene / "poses_bounds.npy")[:3])


def no_poses_at_all(scene: Path) -> None:
    rows = np.load(scene / "poses_bounds.npy")
    rows[:, [0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13]] = 0
    np.save(scene / "poses_bounds.npy", rows)


def another_focal_length(scene: Path) -> None:
    rows = np.load(scene / "poses_bounds.npy")
    rows[:, 14] *= 1.1
    np.save(scene / "poses_bounds.npy", rows)


def normalised_k(scene: Path) -> None:
    rewrite_npz(scene, intrinsics=np.array([[0.9, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]]))


def skewed_k(scene: Path) -> None:
    rewrite_npz(scene, intrinsics=np.array([[60.0, 1, 32], [0, 60, 24], [0, 0, 1]]))


def nan_before_rounding(scene: Path) -> None:
    path = scene / "depth_float/000001.npy"
    np.save(path, np.load(path) * np.nan)


def in_whole_metres(scene: Path) -> None:
    for path in (scene / "depth").glob("*.png"):
        cv2.imwrite(str(path), np.zeros((48, 64), np.uint16))


def not_ours(scene: Path) -> None:
    shutil.rmtree(scene / "frames")
    (scene / "depth_meta.json").unlink()


BAD = {
    nan_colours: ("npz", r"000002.npz: colours that are NaN or not 0 to 1"),
    no_focal_length: ("npz", r"000002.npz: intrinsics without a focal length"),
    meta_a_list: ("npz", r"depth_meta.json: not a JSON object"),
    meta_in_another_unit: ("endonerf", r"that its unit is mm, and that one unit is 1000.0 mm"),
    meta_of_another_layout: ("endonerf", r"depth_meta.json: of writer NpzWriter, but this folder"),
    meta_in_metres: ("endonerf", r"depth_meta.json: unit_mm is 1000.0, and what m3depth"),
    disparity_said: ("npz", r"its numbers are disparity in pixels, and depth along z is read"),
    relative_depth_said: ("endonerf", r"depth_meta.json: .* known up_to_scale only, and millimet"),
    metres_said: ("npz", r"depth_meta.json: says that its unit is m, and that one unit is 1.0 mm"),
    disparity_said_in_a_file: ("npz", r"000002.npz: .* kind of its depth is disparity_px"),
    meta_of_another_scene: ("endonerf", r"has images of \[512, 640\] .* it is of another scene"),
    record_cut_off: ("endonerf", r"000001.json: not JSON"),
    record_of_half_a_pose: ("endonerf", r"000001.json: camera_to_world: 9 numbers, 4x4"),
    stopped_before_the_poses: ("endonerf", r"a half-written export"),
    no_focal_in_a_record: ("endonerf", r"000001: K = .*focal lengths above 0"),
    no_rotation: ("npz", r"000002: camera_to_world is no rotation"),
    nan_pose: ("npz", r"000002: camera_to_world is no rotation"),
    another_size: ("npz", r"000002: 64x40, but 000000 is 64x48"),
    in_metres: ("npz", r"000002: the median depth is 0.05 mm, so it is in metres"),
    no_depth: ("npz", r"no frame to be fitted has a pixel of tissue with a known depth"),
    truncated: ("npz", r"000002.npz: not a whole .npz"),
    lacking: ("npz", r"000002.npz: without intrinsics"),
    ends_early: ("npz", r"counts 4 frames, 3 are there: the scene ends early"),
    half_written: ("npz", r"a half-written export"),
    meta_cut_off: ("npz", r"depth_meta.json: not JSON"),
    one_frame: ("npz", r"1 frames; expected one to fit and one to test"),
    no_folder: ("npz", r"no scene: expected priors or poses_bounds.npy"),
    no_mask: ("endonerf", r"masks: without 000001.png"),
    no_image: ("endonerf", r"images: without 000002.png"),
    zeros_and_ones: ("endonerf", r"000001.png: the value 1; masks are 0 and 255"),
    three_channels: ("endonerf", r"000001.png: 3 channels; save masks in grey"),
    small_mask: ("endonerf", r"000001.png: 64x40, but the image is 64x48"),
    all_masked: ("endonerf", r"is the mask the wrong way round"),
    no_record: ("endonerf", r"000001.json: cannot be read"),
    nan_where_it_is_not_valid: ("npz", r"000002.npz: NaN, infinite or negative depth"),
    negative_depth: ("npz", r"000002.npz: NaN, infinite or negative depth"),
    zero_depth: ("npz", r"000002.npz: \d+ pixels are said to be valid, and their depth is 0"),
    confidence_in_percent: ("npz", r"000002.npz: confidence from 80 to 80"),
    nan_in_the_poses: ("endonerf", r"000001: camera_to_world is no rotation"),
    a_pose_less: ("endonerf", r"poses_bounds.npy: 3 poses, but 4 frames"),
    no_poses_at_all: ("endonerf", r"poses_bounds.npy: camera_to_world is no rotation"),
    another_focal_length: ("endonerf", r"the focal length was changed since the export, from"),
    normalised_k: ("npz", r"000002: K: .* look normalised"),
    skewed_k: ("npz", r"000002: K = .* and no skew"),
    nan_before_rounding: ("endonerf", r"000001: NaN, infinite or negative depth"),
    in_whole_metres: ("endonerf", r"no frame to be fitted has a pixel of tissue with a known"),
    not_ours: ("endonerf", r"nobody says what one unit of its depth is"),
}


@pytest.mark.parametrize(
    ("scene", "mistake"),
    [pytest.param(layout, one, id=one.__name__) for one, (layout, _) in BAD.items()],
    indirect=["scene"],
)
def test_what_is_wrong_is_said_in_a_line(scene: Path, mistake: Callable[[Path], None]):
    mistake(scene)
    with pytest.raises(DataError, match=BAD[mistake][1]) as told:
        read_clip(scene)
    assert "\n" not in str(told.value)


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


def test_a_foreign_scene_has_a_unit_above_0():
    with pytest.raises(ConfigError, match=r"depth_unit_mm=0\.0: expected a number"):
        ForeignScene(0.0)


@pytest.mark.parametrize("scene", ["endonerf"], indirect=True)
def test_masks_the_wrong_way_round_are_a_warning(scene: Path, caplog: pytest.LogCaptureFixture):
    read_clip(scene)
    assert not caplog.messages
    for path in (scene / "masks").glob("*.png"):
        cv2.imwrite(str(path), 255 - cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
    read_clip(scene)
    assert ["the masks leave" in said for said in caplog.messages].count(True) == 1
    assert "changed since the export: masks/000000.png, " in caplog.messages[0]


def test_a_layout_without_a_reader_is_named(tmp_path: Path):
    scene = exported(scene_writer(tmp_path / "scene", ColmapLayout))
    with pytest.raises(DataError, match="no scene: expected priors or poses_bounds"):
        read_clip(scene)


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
        due = turned @ torch.tensor([5.0, -6.0, -7.0]) * (index == 3)
        assert torch.allclose(moved[:3, 3], due, atol=1e-4)
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


@pytest.mark.parametrize("scene", ["endonerf"], indirect=True)
def test_a_foreign_scenes_k_is_of_its_images(scene: Path):
    not_ours(scene)
    rows = np.load(scene / "poses_bounds.npy")
    rows[:, [4, 9]] = 96, 128
    np.save(scene / "poses_bounds.npy", rows)
    with pytest.raises(DataError, match=r"is of images of 128x96, here they are 64x48"):
        read_clip(scene, ForeignScene(1.0, poses.opengl()))


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
