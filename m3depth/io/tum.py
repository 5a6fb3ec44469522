"""Trajectories as text, a pose a line: the format of the TUM RGB-D benchmark (Sturm et al., 2012).

A line is ``time tx ty tz qx qy qz qw``: seconds, where the camera is in the world, and its
camera-to-world rotation as a unit quaternion; OpenCV's axes. evo and ORB-SLAM read and write it.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from m3depth.errors import DataError
from m3depth.io.calibration_text import read_rows, read_text
from m3depth.io.files import write_text

COLUMNS = 8
UNIT = "# translations: "  # a comment of ours: the format itself leaves the unit open
QUATERNION_OFF = 0.01  # of its length from 1: a file that left digits out passes
DIGITS = 9  # after the point, of seconds; numbers of a pose have as many that count


class TimedPoses(NamedTuple):
    """A camera along time.

    Attributes:
        time_s: Ascending.
        camera_to_world: OpenCV axes.
        unit: Of the translations, as the file says it; "" where it does not.
    """

    time_s: Float64[NDArray[np.float64], " n"]
    camera_to_world: Float64[NDArray[np.float64], "n 4 4"]
    unit: str = ""


def write_tum(path: Path, poses: TimedPoses) -> None:
    """Write the file; its comment names the unit.

    Raises:
        UserError: it cannot be written.
    """
    from scipy.spatial.transform import Rotation

    turns = Rotation.from_matrix(poses.camera_to_world[:, :3, :3]).as_quat(canonical=True)
    numbers = np.concatenate([poses.camera_to_world[:, :3, 3], turns], axis=1) + 0.0  # no -0
    lines = ["# time_s tx ty tz qx qy qz qw: camera to world, axes right, down, forward"]
    lines += [f"{UNIT}{poses.unit}"] if poses.unit else []
    for time, row in zip(poses.time_s, numbers, strict=True):
        told = " ".join(np.format_float_positional(v, DIGITS, fractional=False) for v in row)
        lines.append(f"{time:.{DIGITS}f} {told}")
    write_text(path, "\n".join(lines) + "\n")


def read_tum(path: Path) -> TimedPoses:
    """Read one of ours or of others.

    Raises:
        DataError: unreadable, no pose in it, a line that is not 8 finite numbers, a quaternion
            that is no rotation, or times that do not ascend.
    """
    rows = read_rows(path)
    wrong = next((i for i, row in enumerate(rows, 1) if len(row) != COLUMNS), None)
    if wrong is not None or not rows:
        fault = "no pose" if wrong is None else f"pose {wrong} has {len(rows[wrong - 1])} numbers"
        raise DataError(f"{path}: {fault}; TUM's lines are time tx ty tz qx qy qz qw")
    table = np.array(rows, np.float64)
    _require_ascending(path, table[:, 0])
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3, :3] = _rotations(path, table[:, 4:])
    poses[:, :3, 3] = table[:, 1:4]
    said = (line for line in read_text(path).splitlines() if line.startswith(UNIT))
    return TimedPoses(table[:, 0], poses, next(said, UNIT).removeprefix(UNIT).strip())


def _require_ascending(path: Path, time_s: NDArray[np.float64]) -> None:
    back = np.flatnonzero(np.diff(time_s) <= 0)
    if len(back):
        raise DataError(
            f"{path}: pose {back[0] + 2} is of {time_s[back[0] + 1]:g} s, not after the one before "
            "it; sort the lines by time, each time once"
        )


def _rotations(path: Path, quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    off = np.abs(np.linalg.norm(quaternions, axis=1) - 1) > QUATERNION_OFF
    if off.any():
        raise DataError(
            f"{path}: the quaternion of pose {np.flatnonzero(off)[0] + 1} does not have the length "
            "1; it is qx qy qz qw, after the translation"
        )
    turns: NDArray[np.float64] = Rotation.from_quat(quaternions).as_matrix()
    return turns
