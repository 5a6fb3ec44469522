import math

import pytest
import torch
from fake_sources import Fake
from stereo_fakes import WIDTH, Frames, as_map, batched, plane, sample

from m3depth.data.synthetic import SyntheticClip
from m3depth.evaluation.alignment import median, none, scale_shift
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.flicker import PosedDepth, flicker_mm
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.truth import as_batch
from m3depth.types import DepthMap, StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import disparity_from_depth

RIG = batched(StereoRig.of(100.0, 100.0, 30.0, 20.0, 30.0, 5.0))
PLAIN = Protocol("plain", 0.0, float("inf"), none)


def wall(distance_mm: float, turn: float = 0.0) -> torch.Tensor:
    """The wall z = distance seen by a camera turned about y by ``turn`` radian."""
    x = (torch.arange(60) - 30.0) / 100
    depth = distance_mm / (math.cos(turn) - math.sin(turn) * x)
    return depth.expand(1, 1, 40, 60)


def seen(depth_mm: torch.Tensor, pose: torch.Tensor | None = None, position: int = 0) -> PosedDepth:
    pose = torch.eye(4) if pose is None else pose
    return PosedDepth(position, "video", depth_mm, RIG, pose[None])


def moved(z_mm: float = 0.0, turn: float = 0.0) -> torch.Tensor:
    pose = torch.eye(4)
    pose[0, 0] = pose[2, 2] = math.cos(turn)
    pose[0, 2], pose[2, 0] = math.sin(turn), -math.sin(turn)
    pose[2, 3] = z_mm
    return pose


def test_what_the_camera_does_is_no_flicker() -> None:
    """A wall from 60 mm, then from 50 mm and turned: each depth changes, nothing flickers."""
    before, now = seen(wall(60)), seen(wall(50, 0.1), moved(10, 0.1))
    assert flicker_mm(before, now) == pytest.approx(0, abs=1e-4)
    assert flicker_mm(before, seen(wall(50, 0.1))) == pytest.approx(10, abs=1)  # pose ignored


def test_what_is_left_is_flicker() -> None:
    assert flicker_mm(seen(wall(60)), seen(wall(53), moved(10))) == pytest.approx(3, abs=1e-4)


def test_holes_and_what_was_out_of_view_do_not_count() -> None:
    depth = wall(60).clone()
    depth[..., :20] = 0
    assert flicker_mm(seen(depth), seen(wall(60))) == pytest.approx(0, abs=1e-4)
    assert flicker_mm(seen(wall(60)), seen(depth)) == pytest.approx(0, abs=1e-4)
    assert flicker_mm(seen(torch.zeros(1, 1, 40, 60)), seen(wall(60))) is None
    behind = moved(turn=math.pi)
    assert flicker_mm(seen(wall(60)), seen(wall(60), behind)) is None


def test_only_the_next_frame_of_the_same_video_follows() -> None:
    first = seen(wall(60), position=3)
    assert seen(wall(60), position=4).follows(first)
    assert not seen(wall(60), position=5).follows(first)
    assert not seen(wall(60), position=4)._replace(video="other").follows(first)


def clip(deforming: bool) -> SyntheticClip:
    return SyntheticClip("test", 0, 4, (48, 64), deforming=deforming, zoom=False, tools=False)


def knows(jitter: float) -> Fake:
    """The truth, its depth larger and smaller in turn."""

    def predict(batch: StereoBatch) -> DepthMap:
        odd = int(batch["key"][0][-1]) % 2
        depth = batch["depth_mm"] * (1 + jitter * odd)
        return as_map(disparity_from_depth(depth, batch["rig"]) / depth.shape[-1])

    return Fake(predict)


def test_a_clip_with_exact_poses() -> None:
    still = evaluate(knows(0.0), clip(False), [PLAIN]).first
    assert still.metrics["flicker_mm"] < 0.1
    assert still.baselines["truth"]["flicker_mm"] == pytest.approx(
        still.metrics["flicker_mm"], abs=1e-4
    )
    assert [("flicker_mm" in row.scores) for row in still.rows] == [False, True, True, True]
    jittered = evaluate(knows(0.05), clip(False), [PLAIN]).first
    middle = float(as_batch(clip(False)[0])["depth_mm"].median())
    assert jittered.metrics["flicker_mm"] == pytest.approx(0.05 * middle, rel=0.15)
    assert jittered.baselines["truth"] == still.baselines["truth"]


def test_without_poses_only_if_the_camera_is_said_to_be_still() -> None:
    frames = [dict(clip(False)[i]) for i in range(3)]
    for frame in frames:
        del frame["camera_to_world"]
    silent = evaluate(knows(0.0), Frames(*frames), [PLAIN]).first
    assert "flicker_mm" not in silent.metrics
    assert "truth" not in silent.baselines
    still = evaluate(knows(0.0), Frames(*frames), [PLAIN], still_camera=True).first
    compensated = evaluate(knows(0.0), clip(False), [PLAIN]).first
    assert still.metrics["flicker_mm"] > 2 * compensated.metrics["flicker_mm"]


def test_without_truth_a_metric_prediction_still_flickers_and_an_aligned_one_has_no_scale() -> None:
    frames = [dict(clip(False)[i]) for i in range(3)]
    depths = {frame["key"]: frame.pop("depth_mm") for frame in frames}

    def predict(batch: StereoBatch) -> DepthMap:
        depth = depths[batch["key"][0]][None]
        return as_map(disparity_from_depth(depth, batch["rig"]) / depth.shape[-1])

    aligned = Protocol("aligned", 0.0, 150.0, median)
    metric, scaled = evaluate(Fake(predict), Frames(*frames), [PLAIN, aligned]).results
    assert 0 < metric.metrics["flicker_mm"] < 0.1
    assert "flicker_mm" not in scaled.metrics


def test_what_an_alignment_shifts_past_infinity_does_not_flicker() -> None:
    """The fit is exact where the truth is known; beyond that, the prediction is past infinity."""
    depth = plane(50, slope=0.5)
    depth[:, 0, :20] = 0
    frames = [sample(depth, seed) | {"camera_to_world": torch.eye(4)} for seed in range(2)]

    def predict(batch: StereoBatch) -> DepthMap:
        inverse = torch.where(batch["depth_mm"] > 0, 1 / batch["depth_mm"].double() + 0.01, 1e-4)
        return as_map(300 * inverse / WIDTH)

    bent = Protocol("bent", 0.0, float("inf"), scale_shift)
    found = evaluate(Fake(predict), Frames(*frames), [bent]).first
    assert found.metrics["flicker_mm"] == pytest.approx(0, abs=1e-4)


def test_tissue_that_moves_is_in_the_truth_s_own_flicker() -> None:
    moving = evaluate(knows(0.0), clip(True), [PLAIN]).first
    still = evaluate(knows(0.0), clip(False), [PLAIN]).first
    assert moving.baselines["truth"]["flicker_mm"] > 1.5 * still.baselines["truth"]["flicker_mm"]
