from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from raw_cameras import RawFrame, look, raw_cameras, scene_for, true_depth

from m3depth.errors import DataError
from m3depth.geometry.rectification import (
    Rectification,
    StereoCalibration,
    _shrunk,
    rectification,
)
from m3depth.geometry.warp import warp
from m3depth.io.images import colour_tensor
from m3depth.types.disparity import disparity_from_depth

SIZE = (256, 320)
CAMERAS = raw_cameras(SIZE)
SCENE = scene_for(CAMERAS, 1, tools=True)


@cache
def seen() -> RawFrame:
    return look(SCENE, CAMERAS)


def test_points_become_the_depth_that_the_rectified_camera_sees():
    rectified = rectification(CAMERAS.calibration())
    depth = rectified.depth(torch.from_numpy(seen().points_mm[0]))[0].numpy()
    pose = rectified.pose(torch.from_numpy(seen().camera_to_world)).numpy()
    truth = true_depth(SCENE, rectified.rig, SIZE, pose)
    known = depth > 0
    error = np.abs(depth - truth)[known]
    assert known.mean() > 0.99
    assert np.median(error) < 0.01
    assert np.quantile(error, 0.95) < 0.05
    unturned = true_depth(SCENE, rectified.rig, SIZE, seen().camera_to_world)
    assert np.median(np.abs(depth - unturned)[known]) > 0.1


@pytest.mark.parametrize("size", [SIZE, (128, 160)])
def test_the_rectified_right_view_warped_by_the_true_disparity_is_the_left_view(size):
    rectified = rectification(CAMERAS.calibration())
    left, right = (
        colour_tensor(np.ascontiguousarray(pixels[..., ::-1]), "a view")[None]
        for pixels in (
            rectified.left(seen().pictures[0], size),
            rectified.right(seen().pictures[1], size),
        )
    )
    assert left.shape[-2:] == size
    rig = rectified.rig.resized(SIZE, size)
    pose = rectified.pose(torch.from_numpy(seen().camera_to_world)).numpy()
    truth = torch.from_numpy(true_depth(SCENE, rig, size, pose)).float()[None, None]

    def error(rows: int) -> float:
        disparity = disparity_from_depth(truth, rig)
        rebuilt, visible = warp(right.roll(rows, -2), -disparity)
        return ((rebuilt - left).abs() * visible)[..., 4:-4, 4:-4].median().item()

    assert error(0) < 0.006
    assert error(1) > 1.5 * error(0)


def test_both_views_have_one_principal_point():
    rig = rectification(CAMERAS.calibration()).rig
    assert rig.principal_offset == 0
    assert rig.baseline_mm == pytest.approx(4.4, abs=1e-4)


def test_cameras_that_are_rectified_already_stay_as_they_are():
    matrix = [[90.0, 0, 49.5], [0, 90.0, 39.5], [0, 0, 1]]
    aligned = StereoCalibration.of(
        (matrix, matrix), (np.zeros(5), np.zeros(5)), np.eye(3), (-4.0, 0, 0), (80, 100)
    )
    rectified = Rectification(aligned)
    # OpenCV keeps alpha=0 pictures a little inside their border
    assert rectified.rig.fx == pytest.approx(90, rel=0.02)
    assert rectified.rig.baseline_mm == pytest.approx(4.0)
    assert torch.equal(rectified.rotation, torch.eye(3).double())


def test_a_small_picture_is_the_mean_of_what_its_pixels_cover():
    rectified = rectification(raw_cameras((512, 640)).calibration())
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (512, 640, 3), dtype=np.uint8)
    small = rectified.left(noise, (128, 160))
    # 16 pixels' mean: a quarter of the deviation; a picture that is only sampled keeps it all
    assert small.std() < 0.35 * noise.std()
    ramp = np.tile(np.linspace(0, 250, 640, dtype=np.float32), (512, 1))
    native = rectified.left(ramp)
    expected = native.reshape(128, 4, 160, 4).mean((1, 3))
    assert np.abs(rectified.left(ramp, (128, 160)) - expected).max() < 0.1


def test_unknown_points_stay_unknown():
    points = torch.from_numpy(seen().points_mm[0].copy())
    points[100:120, 100:140] = torch.nan
    points[150:170, 100:140] = 0.0
    rectified = rectification(CAMERAS.calibration())
    depth = rectified.depth(points)
    assert torch.isfinite(depth).all()
    unknown = (depth == 0).sum()
    assert 1200 < unknown < 2200  # 1600, resampled by about 1.08
    assert depth[depth > 0].min() > 20


def test_maps_and_cameras_are_made_once():
    calibration = CAMERAS.calibration()
    renamed = replace(calibration, source="another file of the same numbers")
    assert rectification(calibration) is rectification(renamed)


def made(**changes: object) -> StereoCalibration:
    parts: dict[str, object] = {
        "matrices": CAMERAS.matrices,
        "distortions": CAMERAS.distortions,
        "rotation": np.eye(3),
        "translation_mm": (-4.0, 0.0, 0.0),
        "size": SIZE,
        "source": "keyframe_1/endoscope_calibration.yaml",
    }
    return StereoCalibration.of(**{**parts, **changes})


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"translation_mm": (4.0, 0, 0)}, "negative T\\[0\\]; swap left and right"),
        ({"translation_mm": (-0.1, 4, 0)}, "negative T\\[0\\]"),
        ({"rotation": np.zeros((3, 2))}, "R must be 9 finite numbers"),
        ({"distortions": (np.zeros(5), np.zeros(6))}, "distortion must be 4 or 5 or 8"),
        ({"translation_mm": (-4.0, np.nan, 0)}, "T must be 3 finite"),
        ({"matrices": (np.eye(3), np.zeros((3, 3)))}, "focal length"),
        (
            {"matrices": (np.array(CAMERAS.matrices[0]).T, CAMERAS.matrices[1])},
            "0 0 1; is K transposed",
        ),
        ({"rotation": 2 * np.eye(3)}, "R is no rotation"),
        ({"rotation": np.diag([1, 1, -1])}, "R is no rotation"),
    ],
)
def test_a_calibration_that_cannot_be(changes, complaint):
    with pytest.raises(DataError, match=complaint) as raised:
        made(**changes)
    assert str(raised.value).startswith("keyframe_1/endoscope_calibration.yaml: ")
    assert "\n" not in str(raised.value)


def test_a_frame_of_another_size_than_the_calibration():
    with pytest.raises(DataError, match=r"160x128, but keyframe_1.* is for 320x256"):
        rectification(made()).left(np.zeros((128, 160, 3), np.uint8))
    with pytest.raises(DataError, match=r"rgb\.mp4: the frame is 8x4"):
        made().check_size((4, 8), "rgb.mp4")


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 6])
def test_shrinking_takes_the_means_of_blocks(factor):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 62, 3), dtype=np.uint8)
    height, width = 50 // factor, 62 // factor
    whole = pixels[: height * factor, : width * factor].astype(float)
    means = whole.reshape(height, factor, width, factor, 3).mean((1, 3))
    assert np.abs(_shrunk(pixels, factor) - means).max() <= 1.0  # rounded once or twice
