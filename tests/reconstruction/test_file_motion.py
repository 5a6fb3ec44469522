from pathlib import Path

import numpy as np
import pytest
import torch
from clips import Changed, clip

from m3depth.errors import ConfigError, DataError
from m3depth.io.tum import TimedPoses, write_tum
from m3depth.priors.cloud import ColouredPoints
from m3depth.priors.layouts.colmap.model import model_files
from m3depth.reconstruction.following import follow
from m3depth.reconstruction.motion.file import FileMotion
from m3depth.reconstruction.track import track_of
from m3depth.types import Scale

FRAMES = clip(8, True)
POSES = np.array([one["camera_to_world"].double().numpy() for one in FRAMES])
TIMES = np.array([float(one["time_s"]) for one in FRAMES])


def path_of(file: Path, unit_mm: float | None = None, **changes: object) -> torch.Tensor:
    track = track_of(follow(Changed(FRAMES, **changes), FileMotion(file, unit_mm)))
    return track.camera_to_world


def expected(which: list[int] | None = None) -> torch.Tensor:
    poses = torch.from_numpy(POSES[which] if which else POSES)
    return torch.linalg.inv(poses[0]) @ poses


def tum(folder: Path, which: slice = slice(None), later: float = 0.0, unit: str = "mm") -> Path:
    write_tum(folder / "poses.txt", TimedPoses(TIMES[which] + later, POSES[which], unit))
    return folder / "poses.txt"


def test_one_pose_a_frame_is_taken_in_order(tmp_path: Path):
    found = path_of(tum(tmp_path, later=1000), without=("time_s",))
    torch.testing.assert_close(found, expected(), atol=1e-5, rtol=0)


def test_fewer_poses_are_found_by_their_times(tmp_path: Path):
    found = path_of(tum(tmp_path, slice(1, None, 2), later=0.004))
    torch.testing.assert_close(found, expected([1, 3, 5, 7]), atol=1e-5, rtol=0)


def test_poses_of_another_length_without_times_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="the frames have no times to find theirs by"):
        path_of(tum(tmp_path, slice(1, None)), without=("time_s",))
    np.savez(tmp_path / "poses.npz", camera_to_world=POSES[:5])
    with pytest.raises(DataError, match="5 poses without names or times, and 8 frames"):
        path_of(tmp_path / "poses.npz")


def test_the_unit_is_the_file_s_or_the_user_s(tmp_path: Path):
    file = tum(tmp_path, unit="m")
    assert FileMotion(file).scale is Scale.METRIC
    places = expected()[:, :3, 3]
    torch.testing.assert_close(path_of(file)[:, :3, 3], 1000 * places, atol=1e-2, rtol=0)
    file = tum(tmp_path, unit="")
    assert FileMotion(file).scale is Scale.UP_TO_SCALE
    assert FileMotion(file, 10).scale is Scale.METRIC
    torch.testing.assert_close(path_of(file, 10)[:, :3, 3], 10 * places, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("pose", "k", "shape"),
    [("extrinsics", "intrinsics", (8, 24, 32)), ("extrinsic", "intrinsic", (8, 24, 32, 1))],
    ids=["Depth Anything 3", "VGGT"],
)
def test_extrinsics_lead_from_the_world_to_the_camera_and_k_is_scaled(
    pose: str, k: str, shape: tuple[int, ...], tmp_path: Path
):
    """As both write them: [R | t], K at the size of their depth."""
    K = np.tile(np.array([[30.0, 0, 15.5], [0, 31, 11.5], [0, 0, 1]]), (8, 1, 1))
    arrays = {pose: np.linalg.inv(POSES)[:, :3], k: K}
    np.savez(tmp_path / "theirs.npz", depth=np.ones(shape), **arrays)
    track = track_of(follow(FRAMES, FileMotion(tmp_path / "theirs.npz")))
    torch.testing.assert_close(track.camera_to_world, expected(), atol=1e-5, rtol=0)
    torch.testing.assert_close(track.cameras.fx, torch.full((8,), 60.0).double())
    torch.testing.assert_close(track.cameras.cx, torch.full((8,), 31.5).double())


def test_a_colmap_model_is_found_by_its_pictures_names(tmp_path: Path):
    pictures = [
        {
            "name": f"{i:06d}",
            "camera": {"size": (48, 64), "K": [[60 + i, 0, 30], [0, 61, 20], [0, 0, 1]]},
            "camera_to_world": POSES[i],
        }
        for i in (6, 2, 4)
    ]
    nothing = ColouredPoints(np.empty((0, 3)), np.empty((0, 3), np.uint8))
    files = model_files(pictures, nothing, [np.empty(0, np.int64)] * 3, text=True)
    (tmp_path / "sparse/0").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / "sparse/0" / name).write_bytes(content)
    followed = follow(FRAMES, FileMotion(tmp_path))
    track = track_of(followed)
    assert track.names == ("000002", "000004", "000006")
    torch.testing.assert_close(track.camera_to_world, expected([2, 4, 6]), atol=1e-5, rtol=0)
    torch.testing.assert_close(track.cameras.fx, torch.tensor([62.0, 64, 66]).double())
    torch.testing.assert_close(track.cameras.cx, torch.full((3,), 30.0).double())
    assert len(followed.skipped) == 5


def test_what_is_no_file_of_poses_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="motion=file needs poses=FILE"):
        FileMotion(None)
    with pytest.raises(DataError, match="no such file"):
        FileMotion(tmp_path / "none.txt")
    np.savez(tmp_path / "bad.npz", camera_to_world=np.ones((3, 4, 4)))
    with pytest.raises(DataError, match="poses that are no rotation and translation"):
        FileMotion(tmp_path / "bad.npz")
    np.savez(tmp_path / "other.npz", depth=np.ones((3, 4, 4)))
    with pytest.raises(DataError, match="neither camera_to_world nor extrinsics"):
        FileMotion(tmp_path / "other.npz")
    with pytest.raises(DataError, match="no COLMAP model"):
        FileMotion(tmp_path)
