from dataclasses import replace

import pytest
import torch
from stereo_fakes import HEIGHT, RIG, WIDTH, as_map, plane, sample, says

from m3depth.evaluation.alignment import median, none
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.scoring import RATIO, VALID, score_depth, scored_depth
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.evaluation.views import score_view
from m3depth.types import DepthMap, StereoBatch
from m3depth.types.camera import StereoRig

PLAIN = Protocol("plain", 0.0, float("inf"), none)


def scores_of(
    prediction: DepthMap, frame: StereoBatch, protocol: Protocol = PLAIN
) -> dict[str, float]:
    truth = Truth.of(as_batch(frame))
    assert truth is not None
    compared = protocol.compare(prediction, protocol.within(truth))
    return {} if compared is None else score_depth(compared)


def scored(frame: StereoBatch, protocol: Protocol = PLAIN, scale: float = 1.0) -> dict[str, float]:
    return scores_of(said(frame, scale), frame, protocol)


def said(frame: StereoBatch, scale: float = 1.0) -> DepthMap:
    return as_map(says(frame, scale=scale)(as_batch(frame)["left"]).values)


def test_perfect_prediction_scores_no_error() -> None:
    scores = scored(sample(plane(50, slope=0.5)))
    assert scores["mae_mm"] == pytest.approx(0, abs=1e-4)
    assert scores["epe_px"] == pytest.approx(0, abs=1e-5)
    assert scores["d1"] == 1
    assert scores[RATIO] == pytest.approx(1)
    assert scores[VALID] == HEIGHT * WIDTH


def test_a_wrong_scale_is_an_error_unless_aligned() -> None:
    frame = sample(plane(50, slope=0.5))
    assert scored(frame, scale=0.5)["abs_rel"] == pytest.approx(0.5)
    aligned = scored(frame, Protocol("aligned", 1e-3, 150.0, median, clip=True), scale=0.5)
    assert aligned["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert aligned[RATIO] == pytest.approx(2)
    assert aligned["epe_px"] > 1  # the disparity itself is not scaled


def test_range_unknown_and_mask_leave_pixels_out() -> None:
    depth = plane(50)
    depth[:, :, :10] = 400  # beyond the range
    depth[:, :, 10:20] = 0  # not known
    frame = sample(depth)
    protocol = Protocol("capped", 25.0, 300.0, none)
    assert scored(frame, protocol)[VALID] == HEIGHT * (WIDTH - 20)
    frame["mask"] = torch.ones_like(depth, dtype=torch.bool)
    frame["mask"][:, :8] = False
    assert scored(frame, protocol)[VALID] == (HEIGHT - 8) * (WIDTH - 20)


def test_what_is_left_out_does_not_count() -> None:
    depth = plane(50)
    good = scored(sample(depth))
    depth[:, 10:20, 10:20] = 0
    frame = sample(depth)
    fraction = said(frame).values
    fraction[..., 10:20, 10:20] = 1e4
    scores = scores_of(as_map(fraction), frame)
    assert scores["mae_mm"] == pytest.approx(good["mae_mm"], abs=1e-5)


def test_nothing_counts() -> None:
    assert scored(sample(plane(50)), Protocol("far", 100.0, 200.0, none)) == {}


@pytest.mark.parametrize("factor", [2, 3, 0.5])
def test_truth_at_another_resolution(factor: float) -> None:
    """Depth is native, images are not: with offset principal points the rig must follow."""
    rig = StereoRig.of(60.0, 60.0, 30.0, 15.5, 34.0, 5.0)
    height, width = int(HEIGHT * factor), int(WIDTH * factor)
    frame = sample(torch.full((1, height, width), 50.0), rig=rig)
    scores = scored(frame)
    assert scores["mae_mm"] == pytest.approx(0, abs=1e-3)
    assert scores[VALID] == height * width


def test_disparity_errors_are_pixels_of_the_truths_resolution() -> None:
    frame = sample(torch.full((1, HEIGHT * 2, WIDTH * 2), 50.0))
    scores = scores_of(as_map(said(frame).values + 1 / WIDTH), frame)
    assert scores["epe_px"] == pytest.approx(2, abs=1e-4)


def test_without_calibration_there_is_no_truth() -> None:
    frame = sample(plane(50))
    frame["rig"] = StereoRig.uncalibrated(WIDTH, HEIGHT)
    assert Truth.of(as_batch(frame)) is None
    assert scored_depth(as_map(torch.full((1, 1, 4, 4), 0.1)), as_batch(frame), None, PLAIN) is None


def test_without_depth_there_is_no_truth() -> None:
    frame = sample(plane(50))
    del frame["depth_mm"]
    assert Truth.of(as_batch(frame)) is None


def test_view_is_rebuilt_by_the_true_disparity() -> None:
    batch = as_batch(sample(plane(30)))  # 10 px
    right_one = score_view(as_map(torch.full((1, 1, HEIGHT, WIDTH), 10 / WIDTH)), batch)
    wrong = score_view(as_map(torch.full((1, 1, HEIGHT, WIDTH), 6 / WIDTH)), batch)
    assert right_one["ssim"] > 0.95
    assert wrong["ssim"] < 0.3
    assert right_one["psnr"] > wrong["psnr"] + 20


def test_a_monocular_frame_has_no_view_to_rebuild() -> None:
    frame = sample(plane(30))
    del frame["right"]
    assert score_view(as_map(torch.full((1, 1, HEIGHT, WIDTH), 0.1)), as_batch(frame)) == {}


def test_view_respects_the_mask() -> None:
    frame = sample(plane(30))
    frame["right"][:, : HEIGHT // 2] = 0
    fraction = as_map(torch.full((1, 1, HEIGHT, WIDTH), 10 / WIDTH))
    spoiled = score_view(fraction, as_batch(frame))["ssim"]
    frame["mask"] = torch.ones(1, HEIGHT, WIDTH, dtype=torch.bool)
    frame["mask"][:, : HEIGHT // 2 + 6] = False
    assert spoiled < 0.6
    assert score_view(fraction, as_batch(frame))["ssim"] > 0.95
    frame["mask"][:] = False
    assert score_view(fraction, as_batch(frame)) == {}


def test_scored_depth_is_aligned_as_the_numbers_are() -> None:
    frame = sample(plane(50, slope=0.5))
    batch = as_batch(frame)
    half = said(frame, scale=0.5)
    aligned = scored_depth(half, batch, Truth.of(batch), Protocol("m", 0.0, 1e3, median))
    assert aligned is not None
    assert torch.allclose(aligned, batch["depth_mm"].double(), atol=1e-3)


def test_scored_depth_without_truth_is_at_the_images_resolution() -> None:
    frame = sample(plane(50))
    del frame["depth_mm"]
    fraction = torch.full((1, 1, 4, 8), 300 / 50 / WIDTH)
    depth = scored_depth(as_map(fraction), as_batch(frame), None, PLAIN)
    assert depth is not None
    assert torch.allclose(depth, torch.full((1, 1, HEIGHT, WIDTH), 50.0).double())
    assert RIG.calibrated


def test_holes_are_left_out_and_their_share_is_told() -> None:
    frame = sample(plane(50))
    given = torch.ones(1, 1, HEIGHT, WIDTH, dtype=torch.bool)
    given[..., : WIDTH // 4] = False
    scores = scores_of(replace(said(frame), known=given), frame)
    assert scores["density"] == 0.75
    assert scores["mae_mm"] == pytest.approx(0, abs=1e-4)
    assert scores[VALID] == HEIGHT * WIDTH * 0.75
    assert scores[RATIO] == pytest.approx(1)
    assert "density" not in scored(frame)


def test_nothing_given_is_no_score_at_all() -> None:
    frame = sample(plane(50))
    nothing = torch.zeros(1, 1, HEIGHT, WIDTH, dtype=torch.bool)
    assert scores_of(replace(said(frame), known=nothing), frame) == {"density": 0.0}


def test_a_network_s_infinity_is_an_error_and_no_surface() -> None:
    """It has no holes: what it takes for infinitely far is charged, but has no normal."""
    frame = sample(plane(50, slope=0.5))
    fraction = said(frame).values.clone()
    fraction[..., : WIDTH // 2] = 0
    scores = scores_of(as_map(fraction), frame)
    assert scores[VALID] == HEIGHT * WIDTH
    assert scores["mae_mm"] > 20
    assert scores["normal_deg"] == pytest.approx(0, abs=0.1)
    assert scores["normal_share"] == pytest.approx(0.5, abs=0.02)
    assert "normal_deg" not in scores_of(as_map(torch.zeros_like(fraction)), frame)
