"""What rectified videos of the built-in scenes must show: checked against rays on the scenes."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from miniatures import assert_rebuilds_left
from raw_cameras import RawCameras, RawFrame, look, raw_cameras, scene_for, true_depth

from m3depth.geometry.rectification import rectification
from m3depth.types import StereoBatch

SIZE = (128, 160)
MOMENTS = (0.0, 0.1, 0.2, 0.3)  # of the frames, in seconds: the tissue moves


@cache
def filmed() -> tuple[RawCameras, list[RawFrame]]:
    """Cameras with distortion, a turn and unequal principal points, and what they saw."""
    cameras = raw_cameras(SIZE)
    left = cameras.distortions[0]  # the views' differ, so that one's map cannot serve the other
    cameras = replace(cameras, distortions=(left, -2 * left))
    scene = scene_for(cameras)
    return cameras, [look(scene, cameras, time_s) for time_s in MOMENTS]


def write_video(path: Path, frames: list[np.ndarray], code: str) -> None:
    height, width = frames[0].shape[:2]
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()


def assert_is_moment(sample: StereoBatch, number: int) -> None:
    """The sample's views and rig agree with the exact depth of the scene at this moment."""
    cameras, frames = filmed()
    rectified = rectification(cameras.calibration())
    pose = rectified.pose(torch.from_numpy(frames[number].camera_to_world)).numpy()
    rig, size = sample["rig"], sample["left"].shape[-2:]
    assert float(rig.baseline_mm) == pytest.approx(cameras.baseline_mm, abs=1e-3)
    depth = true_depth(scene_for(cameras), rig, (size[0], size[1]), pose, MOMENTS[number])
    sample["depth_mm"] = torch.from_numpy(depth).float()[None]
    assert_rebuilds_left(sample)
