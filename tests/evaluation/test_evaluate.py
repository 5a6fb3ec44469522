import csv
import json
import logging
from pathlib import Path

import pytest
import torch
from stereo_fakes import HEIGHT, WIDTH, Frames, plane, sample, says

from m3depth import __version__
from m3depth.errors import DataError, UserError
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import Protocol, none
from m3depth.evaluation.result import METRICS, Evaluation, config_sha256
from m3depth.geometry.camera import StereoRig
from m3depth.types import Disparity, StereoBatch

PLAIN = Protocol("plain", 0.0, float("inf"), none)
DEPTHS = (30.0, 50.0, 60.0, 100.0)


def planes() -> list[StereoBatch]:
    return [sample(plane(depth), seed) for seed, depth in enumerate(DEPTHS)]


def run(scale: float = 1.1, train: Frames | None = None) -> Evaluation:
    known = planes()
    return evaluate(says(*known, scale=scale), Frames(*known), PLAIN, train)


def test_means_over_frames() -> None:
    evaluation = run()
    assert evaluation.frames == 4
    assert evaluation.valid_pixels == 4 * HEIGHT * WIDTH
    assert evaluation.metrics["mae_mm"] == pytest.approx(0.1 * sum(DEPTHS) / 4, abs=1e-3)
    assert evaluation.metrics["abs_rel"] == pytest.approx(0.1, abs=1e-5)
    assert tuple(evaluation.metrics) == METRICS


def test_frames_count_the_same_whatever_their_pixels() -> None:
    sparse = plane(50)
    sparse[:, 1:] = 0
    known = [sample(sparse, 0), sample(plane(100), 1)]
    evaluation = evaluate(says(*known, scale=1.1), Frames(*known), PLAIN)
    assert evaluation.metrics["mae_mm"] == pytest.approx((5 + 10) / 2, abs=1e-3)


def test_scale_ratio_and_its_spread() -> None:
    assert run().scale == {
        "median_ratio": pytest.approx(1 / 1.1, rel=1e-5),
        "std_ratio": pytest.approx(0, abs=1e-5),
    }


def test_baselines_are_there_when_the_data_support_them() -> None:
    with_train = run(train=Frames(sample(plane(50), 9)))
    assert set(with_train.baselines) == {"mean_depth", "sgbm", "constant_disparity"}
    expected = sum(abs(depth - 50) for depth in DEPTHS) / 4
    assert with_train.baselines["mean_depth"]["mae_mm"] == pytest.approx(expected, abs=1e-3)
    assert "mean_depth" not in run().baselines


def test_worst_frames_come_first_and_chosen_are_spread() -> None:
    evaluation = run()
    assert [frame.row.position for frame in evaluation.worst] == [3, 2, 1]
    assert [frame.row.position for frame in evaluation.chosen] == [0, 2, 3]


def test_uncalibrated_pairs_have_their_rebuilt_view_only() -> None:
    known = planes()
    for frame in known:
        frame["rig"] = StereoRig.uncalibrated(WIDTH, HEIGHT)
        del frame["depth_mm"]

    def ten_px(left: torch.Tensor) -> Disparity:
        fraction = torch.full_like(left[:, :1], 10 / WIDTH)
        return Disparity(fraction, fraction)

    evaluation = evaluate(ten_px, Frames(*known), PLAIN, Frames(*known))
    assert set(evaluation.metrics) == {"ssim"}
    assert set(evaluation.baselines) == {"best_shift"}
    assert evaluation.scale == {}
    assert evaluation.valid_pixels == 0
    assert evaluation.worst[0].row.position != 0  # whose disparity is 10 px


def test_an_unreadable_frame_is_skipped_counted_and_said(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    known = planes()
    broken = DataError("left/000001.png cannot be read")
    with caplog.at_level(logging.WARNING):
        evaluation = evaluate(says(*known), Frames(known[0], broken, known[2]), PLAIN)
    assert evaluation.frames == 2
    assert evaluation.skipped == [{"frame": 1, "why": "left/000001.png cannot be read"}]
    assert "left/000001.png cannot be read" in caplog.text
    write(evaluation, tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text())["skipped"] == evaluation.skipped


@pytest.mark.parametrize(
    ("frames", "says_so"),
    [(Frames(), "empty"), (Frames(DataError("a.png is broken")), "a.png is broken")],
)
def test_nothing_to_evaluate(frames: Frames, says_so: str) -> None:
    with pytest.raises(DataError, match=says_so):
        evaluate(says(), frames, PLAIN)


def test_a_broken_network_is_named_with_the_frame() -> None:
    def nan(left: torch.Tensor) -> Disparity:
        fraction = torch.full_like(left[:, :1], float("nan"))
        return Disparity(fraction, fraction)

    with pytest.raises(DataError, match="fake/000000"):
        evaluate(nan, Frames(*planes()), PLAIN)


def write(evaluation: Evaluation, directory: Path) -> None:
    evaluation.write(
        directory,
        data="fake",
        protocol="plain",
        checkpoint="best.ckpt",
        config={"seed": 1, "data": {"size": [32, 64]}},
    )


def test_metrics_json_has_the_interfaces_keys(tmp_path: Path) -> None:
    evaluation = run(train=Frames(sample(plane(50), 9)))
    write(evaluation, tmp_path / "made" / "here")
    record = json.loads((tmp_path / "made" / "here" / "metrics.json").read_text())
    assert record["data"] == "fake"
    assert record["protocol"] == "plain"
    assert record["alignment"] == "none"
    assert record["frames"] == 4
    assert record["valid_pixels"] == 4 * HEIGHT * WIDTH
    assert set(record["metrics"]) == set(METRICS)
    assert set(record["scale"]) == {"median_ratio", "std_ratio"}
    assert {"mae_mm", "abs_rel"} <= set(record["baselines"]["mean_depth"])
    assert {"mae_mm", "abs_rel", "density"} <= set(record["baselines"]["sgbm"])
    assert record["checkpoint"] == "best.ckpt"
    assert record["version"] == __version__
    assert record["config_sha256"] == config_sha256({"data": {"size": [32, 64]}, "seed": 1})
    assert record["config_sha256"] != config_sha256({"data": {"size": [64, 32]}, "seed": 1})


def test_per_frame_csv_has_a_row_for_each_frame(tmp_path: Path) -> None:
    write(run(), tmp_path)
    with (tmp_path / "per_frame.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == [f"fake/{i:06d}" for i in range(4)]
    errors = [float(row["mae_mm"]) for row in rows]
    assert errors == pytest.approx([0.1 * depth for depth in DEPTHS], abs=1e-3)


def test_a_full_disk_is_one_clear_line_and_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "metrics.json").write_text("old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    evaluation = run()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match=r"metrics\.json \(No space left on device\); free"):
        write(evaluation, tmp_path)
    assert (tmp_path / "metrics.json").read_text() == "old"


def test_memory_stays_bounded() -> None:
    evaluation = run()
    assert len(evaluation.chosen) <= 3
    assert len(evaluation.worst) <= 3
    assert all(isinstance(v, (int, float)) for row in evaluation.rows for v in row.scores.values())
