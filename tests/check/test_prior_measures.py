"""A scene of priors that is fine shows the depth that its reader has, in millimetres."""

from pathlib import Path

import numpy as np
import pytest

from m3depth.check.prior.measures import scene_measures
from m3depth.priors.layouts.scene import PriorFrame, PriorScene

SIZE = (20, 30)


def a_scene(**changes: object) -> PriorScene:
    def load(index: int) -> PriorFrame:
        depth = np.linspace(0.04, 0.08, SIZE[0] * SIZE[1]).reshape(SIZE)
        depth[: 2 * (index + 1)] = 0
        grey = np.zeros(SIZE)
        return PriorFrame(f"{index}.png", grey, depth, depth, None, np.ones(SIZE, bool))

    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[1, :3, 3] = 0.003, 0, 0.004
    poses[1, :2, :2] = [[0, -1], [1, 0]]
    whole = {"folder": Path("s"), "files": {"images": [Path("0.png"), Path("1.png")]}}
    about = {"load": load, "sample": [0, 1], "poses": poses, "unit_mm": 1000.0}
    return PriorScene(**{**whole, **about, **changes})


def test_depth_use_and_camera_are_measured_in_millimetres():
    depth, used, camera = scene_measures(a_scene())
    assert (depth.code, used.code, camera.code) == ("unit", "polarity", "pose_axes")
    assert depth.numbers["high_mm"] == pytest.approx(80, rel=0.01)
    assert 46 > depth.numbers["low_mm"] > 43
    assert used.said == "depth is used at 85.0% of the pixels (median), 80.0% at least (1.png)"
    assert camera.numbers["moved_mm"] == pytest.approx(5)
    assert "turns by up to 90 degrees" in camera.said


def test_what_a_layout_does_not_have_is_left_out():
    assert [one.code for one in scene_measures(a_scene(poses=None))] == ["unit", "polarity"]
    assert scene_measures(a_scene(poses=None, sample=[])) == []
