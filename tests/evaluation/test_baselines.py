from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from fake_sources import by_network
from stereo_fakes import HEIGHT, WIDTH, Frames, dots, plane, sample

from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import DataError
from m3depth.evaluation.alignment import none
from m3depth.evaluation.baselines import (
    mean_depth,
    score_constant,
    score_guess,
    score_shift,
)
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.readable_frames import ReadableFrames
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.matching.sgbm import sgbm
from m3depth.types import DepthMap, Kind, StereoBatch

PLAIN = Protocol("plain", 0.0, float("inf"), none)


def truth_of(frame: StereoBatch) -> Truth:
    truth = Truth.of(as_batch(frame))
    assert truth is not None
    return truth


def found(left: torch.Tensor, right: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    found = sgbm(left, right)
    assert found.known is not None
    return found.values[0, 0].numpy(), found.known[0, 0].numpy()


def score_sgbm(frame: StereoBatch) -> dict[str, float]:
    batch = as_batch(frame)
    return score_guess(sgbm(batch["left"], batch["right"]), truth_of(frame), PLAIN)


def mean_of(*samples: StereoBatch | DataError) -> torch.Tensor | None:
    mean = mean_depth(ReadableFrames(Frames(*samples), "train"))
    return None if mean is None else mean.depth_mm[0]


def test_mean_depth_by_hand() -> None:
    near, far = plane(40), plane(60)
    near[:, 0] = 0  # known in one frame only
    far[:, 1] = near[:, 1] = 0  # in none: the mean of all the others
    rows = HEIGHT - 2
    overall = (40 * rows + 60 * (rows + 1)) / (2 * rows + 1)
    mean = mean_of(sample(near), sample(far))
    assert mean is not None
    assert mean[0, 2:].unique().tolist() == [50]
    assert mean[0, 0].unique().tolist() == [60]
    assert mean[0, 1].unique().tolist() == pytest.approx([overall])


def test_mean_depth_score_by_hand() -> None:
    mean = mean_depth(ReadableFrames(Frames(sample(plane(40)), sample(plane(60))), "train"))
    assert mean is not None
    native = torch.full((1, 2 * HEIGHT, 2 * WIDTH), 40.0)
    scores = mean.score("test/0", truth_of(sample(native)), PLAIN)
    assert scores["mae_mm"] == pytest.approx(10, abs=1e-4)
    assert scores["abs_rel"] == pytest.approx(0.25)
    assert scores["epe_px"] == pytest.approx(2 * (300 / 40 - 300 / 50), abs=1e-4)


def test_mean_depth_is_no_baseline_for_the_frames_it_is_made_of() -> None:
    frame = sample(plane(40))
    mean = mean_depth(ReadableFrames(Frames(frame), "train"))
    assert mean is not None
    assert mean.score(str(frame["key"]), truth_of(frame), PLAIN) == {}


def test_mean_depth_takes_other_sizes_masks_and_unreadable_frames() -> None:
    masked = sample(plane(500))
    masked["mask"] = torch.zeros(1, HEIGHT, WIDTH, dtype=torch.bool)
    small = sample(torch.full((1, HEIGHT // 2, WIDTH // 2), 60.0))
    mean = mean_of(sample(plane(40)), small, masked, DataError("unreadable"))
    assert mean is not None
    assert mean.unique().tolist() == [50]


def test_a_training_set_without_depth_is_not_read_through() -> None:
    bare = sample(plane(40))
    del bare["depth_mm"]
    train = ReadableFrames(Frames(bare, DataError("read")), "train")
    assert mean_depth(train) is None
    assert train.skipped == []


def test_mean_depth_without_any_depth() -> None:
    frame = sample(plane(40))
    del frame["depth_mm"]
    assert mean_of(frame) is None
    assert mean_of() is None


@pytest.mark.parametrize("shift", [4, 11])
def test_sgbm_finds_a_known_shift(shift: int) -> None:
    wide = dots(0, 96, 128 + shift)
    left, right = wide[None, :, :, :128], wide[None, :, :, shift:]  # left x is right x - shift
    fraction, given = found(left, right)
    inside = given[:, shift + 8 : -8]
    assert inside.mean() > 0.95
    error = abs(fraction * 128 - shift)[:, shift + 8 : -8][inside]
    assert (error < 0.5).mean() > 0.98


def test_sgbm_answers_nothing_that_lies_outside_the_right_image() -> None:
    wide = dots(0, 96, 140)
    fraction, given = found(wide[None, :, :, :128], wide[None, :, :, 12:])
    x = torch.arange(128).expand(96, 128).numpy()
    assert ((x - fraction * 128)[given] >= -1e-3).all()
    assert given[:, :6].mean() < 0.2


def test_sgbm_score_and_density() -> None:
    frame = sample(plane(30))  # 10 px
    scores = score_sgbm(frame)
    assert set(scores) == {"mae_mm", "abs_rel", "epe_px", "density"}
    assert scores["epe_px"] < 0.5
    assert 0.5 < scores["density"] < 1


def test_the_matcher_s_score_does_not_depend_on_the_network_s_size(tmp_path: Path) -> None:
    """It was 57, 129 or 171 mm on one pair."""
    wide = (dots(3, 48, 136) * 255).byte().permute(1, 2, 0).numpy()
    for view, columns in (("left", slice(0, 128)), ("right", slice(8, 136))):
        (tmp_path / view).mkdir()
        cv2.imwrite(str(tmp_path / view / "0.png"), np.ascontiguousarray(wide[:, columns]))
    (tmp_path / "rig.yaml").write_text(
        "{fx: 128, fy: 128, cx: 63.5, cy: 23.5, baseline_mm: 5, width: 128, height: 48}"
    )
    (tmp_path / "depth").mkdir()
    np.save(tmp_path / "depth/0.npy", np.full((48, 128), 128 * 5 / 8, np.float32))
    found = [
        evaluate(by_network(as_far), FolderPairs(tmp_path, size), [PLAIN]).first.baselines["sgbm"]
        for size in (None, (24, 64), (32, 96))
    ]
    assert found[0]["mae_mm"] < 1
    assert found[1] == found[2] == found[0]


def as_far(left: torch.Tensor) -> DepthMap:
    return DepthMap(torch.full_like(left[:, :1], 0.1), Kind.FRACTION)


def test_sgbm_that_answers_nothing_has_density_only() -> None:
    depth = plane(30)  # 10 px
    depth[:, :, 4:] = 0  # known only where the right image does not see
    frame = sample(depth)
    frame["right"][:, :, -10:] = 0
    assert score_sgbm(frame) == {"density": 0.0}


def test_best_constant_is_the_median_disparity() -> None:
    depth = plane(30)  # 10 px
    depth[:, :, : WIDTH // 4] = 60  # 5 px on a quarter
    assert score_constant(truth_of(sample(depth))) == {"epe_px": pytest.approx(5 / 4, abs=1e-4)}


def test_best_shift_finds_the_shift() -> None:
    batch = as_batch(sample(plane(30)))
    found = score_shift(batch)["ssim"]
    assert found > 0.95
    batch["right"] = torch.roll(batch["right"], 20, dims=-1)  # now to the other side: not searched
    assert score_shift(batch)["ssim"] < 0.5


def test_a_monocular_frame_has_no_shift() -> None:
    frame = sample(plane(30))
    del frame["right"]
    assert score_shift(as_batch(frame)) == {}


@pytest.mark.parametrize("infinity", [-24, -7, 9])
def test_sgbm_begins_where_the_principal_points_put_infinity(infinity: int) -> None:
    shift = infinity + 8  # negative, as in raw SCARED
    wide = dots(0, 96, 192)
    left = wide[None, :, :, 32:160]
    right = wide[None, :, :, 32 + shift : 160 + shift]
    found = sgbm(left, right, infinity)
    inside = found.known[0, 0, :, 40:-40]
    assert inside.float().mean() > 0.95
    assert (found.values[0, 0, :, 40:-40] * 128 - shift)[inside].abs().median() < 0.5
    there = torch.arange(128) - found.values * 128
    assert (there[found.known] <= 127).all()
    assert (there[found.known] >= 0).all()


def test_the_best_shift_is_looked_for_from_infinity_on() -> None:
    frame = sample(plane(30))  # 10 px
    moved = frame["rig"]._replace(cx_right=frame["rig"].cx_right + 18)
    frame["rig"], frame["right"] = moved, torch.roll(frame["left"], 8, dims=-1)  # -8 px
    assert score_shift(as_batch(frame))["ssim"] > 0.9  # but for the edge, where dots come round
