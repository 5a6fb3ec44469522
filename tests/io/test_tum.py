from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from m3depth.errors import DataError
from m3depth.io.tum import TimedPoses, read_tum, write_tum

DRAW = np.random.default_rng(0)


def poses(count: int) -> np.ndarray:
    found = np.tile(np.eye(4), (count, 1, 1))
    found[:, :3, :3] = Rotation.random(count, rng=DRAW).as_matrix()
    found[:, :3, 3] = DRAW.normal(0, 100, (count, 3))
    return found


@pytest.mark.parametrize("unit", ["mm", "up to scale", ""])
def test_what_is_written_is_read(tmp_path: Path, unit: str):
    given = TimedPoses(np.array([0.0, 0.04, 1234567.125]), poses(3), unit)
    write_tum(tmp_path / "poses.txt", given)
    found = read_tum(tmp_path / "poses.txt")
    np.testing.assert_allclose(found.time_s, given.time_s, atol=1e-9)
    np.testing.assert_allclose(found.camera_to_world, given.camera_to_world, atol=1e-6)
    assert found.unit == unit


def test_the_quaternion_is_x_y_z_w(tmp_path: Path):
    (tmp_path / "one.txt").write_text("# by hand\n0.5 1 2 3 0 0 0.70710678 0.70710678\n")
    found = read_tum(tmp_path / "one.txt")
    expected = [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]  # a quarter turn about z
    np.testing.assert_allclose(found.camera_to_world[0], expected, atol=1e-7)
    assert found.time_s.tolist() == [0.5]
    assert found.unit == ""


def test_other_programs_read_it(tmp_path: Path):
    """As evo does: columns by blanks, `#` for comments."""
    given = TimedPoses(np.array([0.0, 1.0]), poses(2), "mm")
    write_tum(tmp_path / "poses.txt", given)
    table = np.loadtxt(tmp_path / "poses.txt")
    assert table.shape == (2, 8)
    np.testing.assert_allclose(np.linalg.norm(table[:, 4:], axis=1), 1, atol=1e-8)
    np.testing.assert_allclose(table[:, 1:4], given.camera_to_world[:, :3, 3], rtol=1e-8)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("# nothing\n", "no pose"),
        ("0 1 2 3 0 0 0 1\n1 1 2 3 0 0 0\n", "pose 2 has 7 numbers"),
        ("0 1 2 3 0 0 0 1\n0 1 2 3 0 0 0 1\n", "pose 2 is of 0 s, not after"),
        ("0 1 2 3 0 0 0 2\n", "the quaternion of pose 1 does not have the length 1"),
        ("0 1 2 nan 0 0 0 1\n", "NaN"),
        ("time tx ty\n", "not a table of numbers"),
    ],
)
def test_what_is_no_trajectory_is_refused(tmp_path: Path, content: str, told: str):
    (tmp_path / "bad.txt").write_text(content)
    with pytest.raises(DataError, match="bad") as error:
        read_tum(tmp_path / "bad.txt")
    assert told in str(error.value)
