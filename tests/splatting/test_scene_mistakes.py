"""What is wrong with a scene is a line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from exported_scenes import not_ours, rewrite_npz, rewrite_record

from m3depth.errors import DataError
from m3depth.splatting.scene.read import read_clip


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
