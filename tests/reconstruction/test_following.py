import json
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import Changed, clip
from toy_video import FOCAL, SIZE, PlaneDepth, SteadyMotion, later_in_earlier

from m3depth.errors import ConfigError, DataError
from m3depth.networks.trained import TrainedModel
from m3depth.reconstruction import following
from m3depth.reconstruction.following import follow
from m3depth.reconstruction.kept import Kept
from m3depth.reconstruction.motion.contract import Placed
from m3depth.reconstruction.motion.exact import ExactMotion
from m3depth.reconstruction.motion.network import NetworkMotion
from m3depth.reconstruction.track import track_of
from m3depth.types import Scale, StereoBatch, StereoRig


def network_motion(**options: bool) -> NetworkMotion:
    rig = StereoRig.monocular(*FOCAL, 31.5, 23.5)
    return NetworkMotion(SteadyMotion(**options), TrainedModel(PlaneDepth().eval(), SIZE, rig))


def test_exact_motions_give_the_true_path_from_the_first_camera_on():
    frames = clip(zoom=True)
    followed = follow(frames, ExactMotion())
    track = track_of(followed)
    poses = torch.stack([sample["camera_to_world"].double() for sample in frames])
    expected = torch.linalg.inv(poses[0]) @ poses
    torch.testing.assert_close(track.camera_to_world, expected, atol=1e-5, rtol=0)
    assert torch.equal(track.camera_to_world[0], torch.eye(4, dtype=torch.float64))
    focal = torch.stack([sample["rig"].fx for sample in frames])
    torch.testing.assert_close(track.cameras.fx, focal.double())
    assert track.names == tuple(f"{i:06d}" for i in range(8))
    assert followed.true_poses is not None


def test_a_network_s_motions_are_chained_in_the_order_of_time():
    track = track_of(follow(clip(4), network_motion()))
    expected = [torch.linalg.matrix_power(later_in_earlier(), n) for n in range(4)]
    torch.testing.assert_close(track.camera_to_world, torch.stack(expected), atol=1e-6, rtol=0)


def test_k_is_that_of_the_frames_size():
    small, large = clip(4), clip(4)
    double = Changed(large)
    double.frames = [
        {**one, "left": one["left"].repeat_interleave(2, 1).repeat_interleave(2, 2)}
        for one in small
    ]
    one, other = (track_of(follow(f, network_motion())).cameras for f in (small, double))
    torch.testing.assert_close(other.fx, 2 * one.fx)
    torch.testing.assert_close(other.cx, 2 * one.cx + 0.5)
    torch.testing.assert_close(one.fx, torch.full((4,), FOCAL[0], dtype=torch.float64))


def test_rotations_stay_rotations_along_a_long_path():
    followed = follow(clip(4), network_motion())
    many = followed._replace(steps=[followed.steps[0], *followed.steps[1:2] * 3000])
    turns = track_of(many).camera_to_world[:, :3, :3]
    off = turns @ turns.mT - torch.eye(3, dtype=torch.float64)
    assert off.abs().max() < 1e-12


def test_without_k_anywhere_one_is_asked_for():
    frames = Changed(clip(), without=("rig",))
    with pytest.raises(ConfigError, match="K of the camera is not known"):
        track_of(follow(frames, network_motion(says_k=False)))


def test_k_of_the_data_is_taken_where_the_motion_says_none():
    track = track_of(follow(clip(), network_motion(says_k=False)))
    assert float(track.cameras.fx[0]) == float(clip()[0]["rig"].fx)


def test_a_broken_frame_is_left_out_and_its_neighbours_are_joined():
    followed = follow(Changed(clip(), broken=(0, 3)), ExactMotion())
    assert [step.place for step in followed.steps] == [1, 2, 4, 5, 6, 7]
    assert followed.skipped == {"0": "frame 0 is broken", "3": "frame 3 is broken"}
    track = track_of(followed)
    poses = torch.stack([clip()[i]["camera_to_world"].double() for i in (1, 2, 4, 5, 6, 7)])
    expected = torch.linalg.inv(poses[0]) @ poses
    torch.testing.assert_close(track.camera_to_world, expected, atol=1e-5, rtol=0)


def test_two_frames_make_no_path():
    with pytest.raises(DataError, match="2 of 2 frames: a path needs 3 at least"):
        follow(Changed(clip(2)), ExactMotion())


def test_without_poses_the_exact_ones_are_refused():
    with pytest.raises(DataError, match="the data have no poses of their own"):
        follow(Changed(clip(), without=("camera_to_world",)), ExactMotion())


def test_another_size_in_the_middle_is_left_out():
    frames = [dict(one) for one in clip()]
    frames[3]["left"] = frames[3]["left"][:, :-2]
    followed = follow(frames, ExactMotion())
    assert list(followed.skipped) == ["3"]
    assert "64x46, and the first frame is 64x48" in followed.skipped["3"]


def test_the_unit_of_a_network_s_motion_is_that_of_its_depth():
    assert network_motion().scale is Scale.UP_TO_SCALE
    rig = StereoRig.monocular(*FOCAL, 31.5, 23.5)
    metric = TrainedModel(PlaneDepth("metric").eval(), SIZE, rig)
    assert NetworkMotion(SteadyMotion(), metric).scale is Scale.METRIC


def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(following, "KEPT_EVERY", 2)
    whole = follow(clip(), network_motion(), Kept(tmp_path / "whole.json", {"a": 1}))

    class Stops(Changed):
        def __getitem__(self, index: int):
            if index == 5:
                raise KeyboardInterrupt
            return super().__getitem__(index)

    with pytest.raises(KeyboardInterrupt):
        follow(Stops(clip()), network_motion(), Kept(tmp_path / "part.json", {"a": 1}))
    assert len(json.loads((tmp_path / "part.json").read_text())["content"]["steps"]) == 4
    frames = Changed(clip())
    again = follow(frames, network_motion(), Kept(tmp_path / "part.json", {"a": 1}))
    assert again == whole
    assert min(frames.asked) == 3  # the last one that was kept; none before it is read again
    assert (tmp_path / "part.json").read_bytes() == (tmp_path / "whole.json").read_bytes()


def test_what_was_found_with_other_settings_is_refused(tmp_path: Path):
    Kept(tmp_path / "kept.json", {"size": None, "poses": "a"}).save({})
    with pytest.raises(ConfigError, match="is of a run with another poses, size; set output=DIR"):
        Kept(tmp_path / "kept.json", {"size": [1, 2], "poses": "b"}).load()


def test_a_half_written_state_counts_for_nothing(tmp_path: Path):
    (tmp_path / "kept.json").write_text('{"settings": {')
    assert Kept(tmp_path / "kept.json", {}).load() is None


def test_a_motion_that_is_not_finite_is_refused():
    followed = follow(clip(4), network_motion())
    broken = followed.steps[2]._replace(motion=(np.eye(4) * np.nan).tolist())
    with pytest.raises(DataError, match="the motion to it is not finite"):
        track_of(followed._replace(steps=[*followed.steps[:2], broken]))


def test_many_frames_of_another_size_are_not_a_line_each(caplog: pytest.LogCaptureFixture):
    class Grown(Changed):
        def __getitem__(self, index: int) -> StereoBatch:
            sample = super().__getitem__(index)
            return {**sample, "left": sample["left"][..., 2:]} if index > 2 else sample

    found = follow(Grown(clip(12)), ExactMotion())
    assert len(found.steps) == 3
    assert len(found.skipped) == 9
    said = [record.message for record in caplog.records]
    assert len(said) == 4
    assert all("of another size" in line for line in said[:3])
    assert said[3].startswith("skipped: more frames")


def test_a_network_that_learned_no_k_is_given_the_frames():
    """At its own size, though the frames are larger."""

    class TellsGiven(SteadyMotion):
        def with_cameras(self, earlier, later, given):
            assert earlier.shape[-2:] == SIZE
            self.given = given
            return self(earlier, later)

    network = TellsGiven(says_k=False)
    rig = StereoRig.monocular(*FOCAL, 31.5, 23.5)
    source = NetworkMotion(network, TrainedModel(PlaneDepth().eval(), SIZE, rig))
    left = torch.rand(3, 2 * SIZE[0], 2 * SIZE[1])
    known = StereoRig.monocular(140.0, 144.0, 60.0, 50.0)
    sample = StereoBatch(left=left, key="video/0", rig=known)
    source(Placed(0, sample), Placed(1, sample))
    for camera in network.given:
        assert [float(v) for v in camera[:4]] == [70.0, 72.0, 29.75, 24.75]
    del network.given
    nothing = StereoBatch(left=left, key="video/0")
    source(Placed(0, nothing), Placed(1, sample))
    assert not hasattr(network, "given")
