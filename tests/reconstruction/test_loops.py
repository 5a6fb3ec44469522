from itertools import pairwise

import cv2
import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch.utils.data import Dataset

from m3depth.reconstruction.followed import Followed, Step
from m3depth.reconstruction.loops import Loop, find_loops
from m3depth.reconstruction.pose_graph import closed
from m3depth.reconstruction.unit import Unit
from m3depth.sources.exact import ExactSource
from m3depth.types import StereoBatch, StereoRig, Track

SIZE = (120, 160)
FOCAL, FAR = 130.0, 50.0
K = np.array([[FOCAL, 0, 79.5], [0, FOCAL, 59.5], [0, 0, 1]])
MM = Unit(1.0, True, FAR)


def wall() -> np.ndarray:
    draw = np.random.default_rng(0)
    coarse, fine = draw.integers(0, 255, (30, 90, 3)), draw.integers(0, 255, (120, 360, 3))
    big = [cv2.resize(one.astype(np.uint8), (1080, 360)) for one in (coarse, fine)]
    return cv2.addWeighted(big[0], 0.6, big[1], 0.4, 0)


WALL = wall()
PER_MM = 5.0  # pixels of the wall


class Wall(Dataset[StereoBatch]):
    """A painted wall at z = 50, seen by cameras in given places."""

    def __init__(self, poses: np.ndarray) -> None:
        self.poses = poses

    def __len__(self) -> int:
        return len(self.poses)

    def __getitem__(self, index: int) -> StereoBatch:
        pose = self.poses[index]
        y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float64)
        rays = np.stack([(x - K[0, 2]) / FOCAL, (y - K[1, 2]) / FOCAL, np.ones_like(x)], -1)
        world = rays @ pose[:3, :3].T
        depth = (FAR - pose[2, 3]) / world[..., 2]
        at = (pose[:3, 3] + depth[..., None] * world)[..., :2] * PER_MM + [540, 180]
        image = cv2.remap(WALL, *at.astype(np.float32).transpose(2, 0, 1), cv2.INTER_LINEAR)
        return StereoBatch(
            left=torch.from_numpy(image / 255).float().permute(2, 0, 1),
            rig=StereoRig.monocular(FOCAL, FOCAL, 79.5, 59.5),
            key=f"wall/{index}",
            depth_mm=torch.from_numpy(depth).float()[None],
            camera_to_world=torch.from_numpy(pose).float(),
        )


def pose(x: float, turn: float = 0.0) -> np.ndarray:
    found = np.eye(4)
    found[:3, :3] = Rotation.from_rotvec([0, 0, turn]).as_matrix()
    found[0, 3] = x
    return found


def there_and_back() -> np.ndarray:
    """To the side by 60 mm, and back to where it began, a little turned."""
    return np.array(
        [pose(x, 0.004 * i) for i, x in enumerate([*range(0, 61, 6), *range(54, -1, -6)])]
    )


def followed(poses: np.ndarray) -> Followed:
    steps = [Step(i, f"wall/{i}", i, SIZE, None, None, [], None) for i in range(len(poses))]
    return Followed(steps, {})


def track(poses: np.ndarray) -> Track:
    numbers = (FOCAL, FOCAL, 79.5, 59.5, 79.5, 0.0)
    cameras = StereoRig(*(torch.full((len(poses),), v, dtype=torch.float64) for v in numbers))
    times = torch.arange(len(poses)).double()
    return Track(torch.from_numpy(poses), cameras, times, tuple(map(str, range(len(poses)))))


def test_a_camera_that_comes_back_is_recognised_with_its_motion():
    poses = there_and_back()
    loops = find_loops(Wall(poses), followed(poses), track(poses), ExactSource(), MM)
    assert any((loop.earlier, loop.later) == (0, len(poses) - 1) for loop in loops)
    for loop in loops:
        expected = np.linalg.inv(poses[loop.later]) @ poses[loop.earlier]
        off = np.linalg.inv(expected) @ np.array(loop.motion)
        assert np.linalg.norm(off[:3, 3]) < 0.5
        assert np.degrees(Rotation.from_matrix(off[:3, :3]).magnitude()) < 0.5


def test_a_camera_that_stays_or_goes_away_for_good_makes_no_loop():
    for poses in (np.array([pose(0.2 * i) for i in range(12)]), there_and_back()[:11]):
        assert not find_loops(Wall(poses), followed(poses), track(poses), ExactSource(), MM)


def drifted(poses: np.ndarray) -> np.ndarray:
    """Every step turned and stretched a little."""
    wrong = [poses[0]]
    for one, other in pairwise(poses):
        step = np.linalg.inv(one) @ other
        step[:3, 3] *= 1.05
        wrong.append(wrong[-1] @ step @ pose(0.4, 0.01))
    return np.array(wrong)


def loop_of(poses: np.ndarray, earlier: int, later: int, points: int = 400) -> Loop:
    motion = np.linalg.inv(poses[later]) @ poses[earlier]
    return Loop(earlier, later, motion.tolist(), points)


def test_a_loop_takes_the_drift_out_of_the_path():
    true = there_and_back()
    loops = [loop_of(true, 0, 20), loop_of(true, 1, 19)]
    before = track(drifted(true))
    after = closed(before, loops, FAR).camera_to_world.numpy()
    ends = [np.linalg.norm(one[-1, :3, 3] - true[-1, :3, 3]) for one in (drifted(true), after)]
    assert ends[0] > 5
    assert ends[1] < 1
    np.testing.assert_allclose(after[0], np.eye(4), atol=1e-9)
    turns = after[:, :3, :3]
    np.testing.assert_allclose(
        turns @ turns.swapaxes(1, 2), np.eye(3)[None].repeat(21, 0), atol=1e-9
    )


def test_a_path_that_agrees_with_its_loops_stays():
    true = there_and_back()
    after = closed(track(true), [loop_of(true, 0, 20)], FAR).camera_to_world.numpy()
    np.testing.assert_allclose(after, true, atol=1e-6)


def test_a_false_loop_among_true_ones_is_left_out():
    true = there_and_back()
    false = Loop(0, 18, pose(-40.0, 1.0).tolist(), 60)
    loops = [loop_of(true, 0, 20), loop_of(true, 1, 19), loop_of(true, 2, 18), false]
    after = closed(track(drifted(true)), loops, FAR).camera_to_world.numpy()
    assert np.linalg.norm(after[-1, :3, 3] - true[-1, :3, 3]) < 2


def test_without_a_loop_nothing_changes():
    given = track(there_and_back())
    assert closed(given, [], FAR) is given


def test_a_short_video_has_no_loops():
    poses = there_and_back()[:3]
    assert not find_loops(Wall(poses), followed(poses), track(poses), ExactSource(), MM)
