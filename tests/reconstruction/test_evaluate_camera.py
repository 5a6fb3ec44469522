"""``m3depth evaluate`` scores the path and K where a checkpoint or a file gives them."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import m3depth, succeed
from torch.utils.data import ConcatDataset
from toy_video import FOCAL, write_checkpoint

from m3depth.cli.camera_scores import checkpoint_motion, score_camera
from m3depth.data.synthetic import SyntheticClip
from m3depth.io.tum import TimedPoses, write_tum
from m3depth.reconstruction.motion.exact import ExactMotion
from m3depth.reconstruction.videos import over_videos, score_videos

SIZE = (48, 64)
CLIP = (
    *("data=synthetic_clip", "data.size=[48,64]", "data.test.frames=6"),
    *("+data.test.deforming=false", "+data.test.tools=false"),
    *("data.train.count=2", "data.val.count=2"),
)
FIRST = SyntheticClip("test", 0, 6, SIZE, deforming=False, tools=False, zoom=False)
FRAMES = [*FIRST]
POSES = np.array([one["camera_to_world"].double().numpy() for one in FRAMES])


def record(folder: Path) -> dict:
    return json.loads((folder / "metrics.json").read_text())


def test_a_checkpoint_with_motion_has_its_path_and_k_scored(tmp_path: Path):
    checkpoint = write_checkpoint(tmp_path / "toy.ckpt")
    output = tmp_path / "out"
    told = succeed(
        "evaluate", *CLIP, f"checkpoint={checkpoint}", "protocol=median", f"output={output}"
    )
    found = record(output)
    assert found["trajectory"]["frames"] == 6
    assert found["trajectory"]["ate_mm"] > 0
    rig = FRAMES[0]["rig"]
    off = abs(FOCAL[0] - float(rig.fx)) / float(rig.fx)
    assert found["intrinsics"]["fx_share"] == pytest.approx(off, rel=1e-5)
    page = (output / "report.html").read_text()
    assert "<h2>Path of the camera</h2>" in page
    assert "<h2>K of the camera</h2>" in page
    assert "focal length, px" in page
    assert found["intrinsics"]["identifiable"] is True
    assert "path: ATE" in told.err
    assert "K: fx" in told.err


def test_a_k_that_its_training_could_not_tell_is_shown_as_no_number(tmp_path: Path, caplog):
    """Where the camera only slides, a learned K looks like any other."""
    checkpoint = write_checkpoint(tmp_path / "toy.ckpt", doubt="K is not identifiable: no turn")
    with caplog.at_level("INFO"):
        found, page = score_camera(FIRST, checkpoint_motion(checkpoint, "cpu"))
    assert found["intrinsics"]["identifiable"] is False
    assert "K is not identifiable: no turn" in page
    assert "focal length, px" not in page
    assert "fx_share" not in page
    assert "path: ATE" in caplog.text
    assert "K: fx" not in caplog.text


@pytest.mark.parametrize("unit", ["mm", ""])
def test_another_system_s_poses_are_scored_from_their_file(tmp_path: Path, unit: str):
    turned = np.eye(4)
    turned[:3, :3], turned[:3, 3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]], [3, 4, 5]
    theirs = turned @ POSES
    theirs[:, :3, 3] /= 10
    write_tum(tmp_path / "poses.txt", TimedPoses(np.arange(6) / 10, theirs, unit))
    succeed(
        *("evaluate", *CLIP, "source=exact", f"poses={tmp_path}/poses.txt"),
        f"output={tmp_path}/out",
    )
    found = record(tmp_path / "out")["trajectory"]
    assert found["ate_mm"] == pytest.approx(0, abs=1e-4)
    assert found["scale"] == pytest.approx(10, rel=1e-5)
    assert found["ate_unscaled_mm"] > 0.1
    assert found["rotation_max_deg"] == pytest.approx(0, abs=1e-3)
    assert "intrinsics" not in record(tmp_path / "out")


def test_without_poses_in_the_data_nothing_is_scored(tmp_path: Path):
    write_tum(tmp_path / "poses.txt", TimedPoses(np.arange(6) / 10, POSES))
    told = succeed(
        *("evaluate", "data=synthetic", "data.test.count=2", "data.size=[48,64]"),
        *("source=exact", f"poses={tmp_path}/poses.txt", f"output={tmp_path}/out"),
    )
    assert "no trajectory: not one video of the test frames has poses" in told.err
    assert "trajectory" not in record(tmp_path / "out")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path):
    told = m3depth(*("evaluate", *CLIP, "source=exact", "poses=none.txt", f"output={tmp_path}/out"))
    assert "poses=none.txt: no such file" in told.line


def test_each_video_is_followed_by_itself():
    """Two clips in one set: a path that went from one into the other would be wrong."""
    other = SyntheticClip("test", 1, 4, SIZE, deforming=False, tools=False, zoom=False)
    videos = score_videos(ConcatDataset([FIRST, other]), ExactMotion())
    assert [len(video.track.names) for video in videos] == [6, 4]
    found = over_videos(videos)["trajectory"]
    assert (found["videos"], found["frames"]) == (2, 10)
    assert found["ate_mm"] == pytest.approx(0, abs=1e-4)
    lengths = [video.scores["trajectory"]["path_mm"] for video in videos]
    assert found["path_mm"] == pytest.approx(np.mean(lengths))
