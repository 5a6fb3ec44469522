import csv
import json
import logging
from pathlib import Path

import pytest
import torch
from fake_sources import by_network
from stereo_fakes import HEIGHT, WIDTH, Frames, plane, sample, says

from m3depth.errors import DataError, UserError
from m3depth.evaluation.alignment import median, none
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.result import Evaluation
from m3depth.evaluation.result_files import config_sha256, write_record
from m3depth.types import DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.version import __version__

PLAIN = Protocol("plain", 0.0, float("inf"), none)
ALIGNED = Protocol("aligned", 1e-3, 150.0, median, clip=True)
INTERFACE = {"mae_mm", "abs_rel", "sq_rel_mm", "rmse_mm", "rmse_log", "d1", "d2", "d3"}
INTERFACE |= {"epe_px", "bad2", "ssim"}
DEPTHS = (30.0, 50.0, 60.0, 100.0)
WITHOUT_IMAGES = {"constant_disparity", "frontal"}


def planes() -> list[StereoBatch]:
    return [sample(plane(depth), seed) for seed, depth in enumerate(DEPTHS)]


def run(scale: float = 1.1, train: Frames | None = None) -> Evaluation:
    known = planes()
    return evaluate(by_network(says(*known, scale=scale)), Frames(*known), [PLAIN], train)


def test_means_over_frames() -> None:
    evaluation = run()
    assert evaluation.first.frames == 4
    assert evaluation.first.valid_pixels == 4 * HEIGHT * WIDTH
    assert evaluation.first.metrics["mae_mm"] == pytest.approx(0.1 * sum(DEPTHS) / 4, abs=1e-3)
    assert evaluation.first.metrics["abs_rel"] == pytest.approx(0.1, abs=1e-5)
    assert set(evaluation.first.metrics) >= INTERFACE


def test_frames_count_the_same_whatever_their_pixels() -> None:
    sparse = plane(50)
    sparse[:, 1:] = 0
    known = [sample(sparse, 0), sample(plane(100), 1)]
    evaluation = evaluate(by_network(says(*known, scale=1.1)), Frames(*known), [PLAIN])
    assert evaluation.first.metrics["mae_mm"] == pytest.approx((5 + 10) / 2, abs=1e-3)


def test_scale_ratio_and_its_spread() -> None:
    assert run().first.scale == {
        "median_ratio": pytest.approx(1 / 1.1, rel=1e-5),
        "std_ratio": pytest.approx(0, abs=1e-5),
        "video_std_ratio": pytest.approx(0, abs=1e-5),
    }


def test_baselines_are_there_when_the_data_support_them() -> None:
    with_train = run(train=Frames(sample(plane(50), 9)))
    assert set(with_train.first.baselines) == {"mean_depth", "sgbm", *WITHOUT_IMAGES}
    expected = sum(abs(depth - 50) for depth in DEPTHS) / 4
    assert with_train.first.baselines["mean_depth"]["mae_mm"] == pytest.approx(expected, abs=1e-3)
    assert "mean_depth" not in run().first.baselines


def test_worst_frames_come_first_and_chosen_are_spread() -> None:
    evaluation = run()
    assert [frame.row.position for frame in evaluation.worst] == [3, 2, 1]
    assert [frame.row.position for frame in evaluation.chosen] == [0, 2, 3]


def test_uncalibrated_pairs_have_their_rebuilt_view_only() -> None:
    known = planes()
    for frame in known:
        frame["rig"] = StereoRig.uncalibrated(WIDTH, HEIGHT)
        del frame["depth_mm"]

    def ten_px(left: torch.Tensor) -> DepthMap:
        fraction = torch.full_like(left[:, :1], 10 / WIDTH)
        return DepthMap(fraction, Kind.FRACTION)

    evaluation = evaluate(by_network(ten_px), Frames(*known), [PLAIN], Frames(*known))
    assert set(evaluation.first.metrics) == {"ssim", "psnr"}
    assert set(evaluation.first.baselines) == {"best_shift"}
    assert evaluation.first.scale == {}
    assert evaluation.first.valid_pixels == 0
    assert evaluation.worst[0].row.position != 0  # whose disparity is 10 px


def test_an_unreadable_frame_is_skipped_counted_and_said(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    known = planes()
    broken = DataError("left/000001.png cannot be read")
    with caplog.at_level(logging.WARNING):
        evaluation = evaluate(by_network(says(*known)), Frames(known[0], broken, known[2]), [PLAIN])
    assert evaluation.first.frames == 2
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
        evaluate(by_network(says()), frames, [PLAIN])


def test_a_broken_network_is_named_with_the_frame() -> None:
    def nan(left: torch.Tensor) -> DepthMap:
        fraction = torch.full_like(left[:, :1], float("nan"))
        return DepthMap(fraction, Kind.FRACTION)

    with pytest.raises(DataError, match="fake/000000"):
        evaluate(by_network(nan), Frames(*planes()), [PLAIN])


def write(evaluation: Evaluation, directory: Path) -> None:
    write_record(
        directory,
        evaluation,
        data="fake",
        source={"checkpoint": "best.ckpt"},
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
    assert set(record["metrics"]) >= INTERFACE
    assert set(record["scale"]) >= {"median_ratio", "std_ratio"}
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
    assert all(
        isinstance(v, (int, float)) for row in evaluation.first.rows for v in row.scores.values()
    )


def test_several_protocols_over_one_set_of_predictions() -> None:
    known, asked = planes(), []
    network = says(*known, scale=1.25)

    def counted(left: torch.Tensor) -> DepthMap:
        asked.append(left)
        return network(left)

    evaluation = evaluate(by_network(counted), Frames(*known), [PLAIN, ALIGNED])
    assert len(asked) == 4 + len(evaluation.chosen) + len(evaluation.worst)
    plain, aligned = evaluation.results
    assert evaluation.first is plain
    assert plain.metrics["abs_rel"] == pytest.approx(0.25, abs=1e-5)
    assert aligned.metrics["abs_rel"] == pytest.approx(0, abs=1e-5)
    assert plain.scale == aligned.scale
    alone = evaluate(by_network(network), Frames(*known), [ALIGNED]).first
    assert aligned.metrics == alone.metrics
    assert aligned.baselines == alone.baselines


def test_the_record_has_every_protocol_and_the_first_at_the_top(tmp_path: Path) -> None:
    known = planes()
    write(evaluate(by_network(says(*known)), Frames(*known), [ALIGNED, PLAIN]), tmp_path)
    record = json.loads((tmp_path / "metrics.json").read_text())
    assert (record["protocol"], record["alignment"]) == ("aligned", "median")
    assert list(record["protocols"]) == ["aligned", "plain"]
    for name, value in record["protocols"]["aligned"].items():
        assert record[name] == value
    assert record["protocols"]["plain"]["alignment"] == "none"
    assert record["blocks"] == "frames"
    low, high = record["intervals"]["mae_mm"]
    assert low <= record["metrics"]["mae_mm"] <= high


def test_a_sparse_frame_is_left_out_and_counted_and_never_another_frame_s_prediction() -> None:
    """M3Depth's own test scores it with the prediction of the frame before."""
    sparse = plane(50)
    sparse[:, 3:] = 0  # 3 of 32 rows: 9.4 %
    enough = plane(60)
    enough[:, 4:] = 0  # 12.5 %
    known = [sample(plane(40), 0), sample(sparse, 1), sample(enough, 2)]
    rule = Protocol("rule", 25.0, 300.0, none, min_coverage=0.1)
    evaluation = evaluate(by_network(says(*known, scale=1.1)), Frames(*known), [rule, PLAIN])
    assert evaluation.first.sparse == ["fake/000001"]
    assert [row.key for row in evaluation.first.rows] == ["fake/000000", "fake/000002"]
    assert evaluation.first.metrics["mae_mm"] == pytest.approx((4 + 6) / 2, abs=1e-3)
    assert evaluation.results[1].frames == 3
    only_sparse = Frames(known[1])
    with pytest.raises(
        DataError, match=r"rule counts 0 of 1 frames \(1: less than 10% of its true depth known\)"
    ):
        evaluate(by_network(says(*known)), only_sparse, [rule])


def test_a_monocular_set_is_scored_by_depth_alone() -> None:
    known = planes()
    for frame in known:
        del frame["right"]
    evaluation = evaluate(by_network(says(*known, scale=1.1)), Frames(*known), [PLAIN])
    assert evaluation.first.metrics["abs_rel"] == pytest.approx(0.1, abs=1e-5)
    assert not {"ssim", "psnr"} & set(evaluation.first.metrics)
    assert set(evaluation.first.baselines) == WITHOUT_IMAGES


def test_a_monocular_set_without_calibration_has_nothing_to_score_and_does_not_fall_over() -> None:
    known = planes()
    for frame in known:
        del frame["right"]
        frame["rig"] = StereoRig.uncalibrated(WIDTH, HEIGHT)
    left_half = by_network(lambda left: DepthMap(left[:, :1] / 9, Kind.FRACTION))
    evaluation = evaluate(left_half, Frames(*known), [PLAIN])
    assert evaluation.first.metrics == {}
    assert evaluation.worst == []
