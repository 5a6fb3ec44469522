"""Numbers of a calibration that cannot be meant are refused with their place."""

import numpy as np
import pytest

from m3depth.errors import DataError
from m3depth.io.calibration_text import as_pose, require_rectified

POSE = np.array([[0, -1, 0, 5], [1, 0, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]], float)
P = np.array([[720.0, 0, 360, 0], [0, 720, 288, 0], [0, 0, 1, 0]])


def test_a_pose_in_any_nesting():
    assert (as_pose(POSE.ravel().tolist(), "poses.txt") == POSE).all()


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4)), POSE.T, POSE * [1000, 1000, 1000, 1], POSE * [-1, 1, 1, 1]]
)
def test_what_is_no_pose(wrong: np.ndarray):
    with pytest.raises(DataError, match=r"poses\.txt, pose 3: no rotation and translation"):
        as_pose(wrong, "poses.txt, pose 3")


def test_views_of_one_rectified_pair_differ_in_cx_and_shift_only():
    right = P.copy()
    right[0, 2], right[0, 3] = 380.0, -720 * 5.0
    require_rectified(P, right, "001.json")
    right[1, 2] += 8
    with pytest.raises(DataError, match=r"001\.json: cy 288 and 296 of left and right differ"):
        require_rectified(P, right, "001.json")
