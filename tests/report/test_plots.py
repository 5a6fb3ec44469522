from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from m3depth.evaluation.reliability import Reliability
from m3depth.evaluation.result import Evaluation
from m3depth.report.curves import curve_figures, read_curves
from m3depth.report.plots import CLOUD_POINTS, cloud, frame_errors, reliability, risk_coverage


def test_blank_cells_are_left_out(curves: Path) -> None:
    read = read_curves(curves)
    assert read["train/loss"] == ([0, 10, 20], [0.9, 0.2, 0.1])
    assert read["val/mae_mm"] == ([10, 20], [7.5, 5.5])
    assert "epoch" not in read


def test_a_panel_for_each_kind_of_curve(curves: Path) -> None:
    figures = {f.layout.title.text: f for f in curve_figures(read_curves(curves))}
    assert list(figures) == ["Loss", "Terms of the loss", "Validation error, mm", "Learning rate"]
    assert [trace.name for trace in figures["Loss"].data] == ["train/loss", "val/loss"]
    assert figures["Loss"].layout.yaxis.type == "log"
    assert figures["Validation error, mm"].layout.yaxis.type != "log"


def test_no_curves_no_panels() -> None:
    assert curve_figures({}) == []


def test_changes_of_the_pictures_size_are_marked_on_every_curve() -> None:
    steps = [float(step) for step in range(5)]
    curves = {"train/loss": (steps, [5.0, 4, 3, 2, 1]), "shrink": (steps, [4.0, 4, 2, 2, 1])}
    (figure,) = curve_figures(curves)
    assert [line.x0 for line in figure.layout.shapes] == [2, 4]
    assert [note.text for note in figure.layout.annotations] == ["1/2 size", "full size"]
    (plain,) = curve_figures({"train/loss": curves["train/loss"]})
    assert not plain.layout.shapes


def test_bars_are_the_frames_errors(with_truth: Evaluation) -> None:
    bars = frame_errors(with_truth).data[0]
    assert list(bars.y) == [row.scores["mae_mm"] for row in with_truth.first.rows]
    assert list(bars.customdata) == [f"slopes/<{i}>" for i in range(4)]


def test_no_bars_without_truth(without_truth: Evaluation) -> None:
    assert frame_errors(without_truth) is None


def test_cloud_holds_prediction_and_truth_in_millimetres(with_truth: Evaluation) -> None:
    frame = with_truth.chosen[0]
    prediction, truth = cloud(frame, 80.0).data
    assert truth.visible == "legendonly"
    assert prediction.z == pytest.approx(45 * 5 / 4, abs=0.01)
    assert len(prediction.z) == 24 * 48 <= CLOUD_POINTS
    assert len(truth.z) == 24 * 42  # six columns are not known
    corner = prediction.x.min(), prediction.y.min()
    assert corner == pytest.approx((-23.5 / 45 * 56.25, -11.5 / 45 * 56.25), abs=0.01)


def test_cloud_leaves_out_what_would_dwarf_the_scene(with_truth: Evaluation) -> None:
    prediction, truth = cloud(with_truth.chosen[0], 22.0).data
    assert len(prediction.z) == 0
    assert np.max(truth.z) < 44


def test_no_cloud_without_calibration(uncalibrated: Evaluation) -> None:
    assert cloud(uncalibrated.chosen[0], 80.0) is None


def test_risk_falls_with_coverage_where_the_confidence_is_right(with_truth: Evaluation) -> None:
    error_mm = np.arange(1.0, 11.0)
    gathered = Reliability([1 / error_mm], [error_mm], [(0.1, 9.0), (0.9, 1.0)])
    figure = risk_coverage(replace(with_truth.first, reliability=gathered))
    lines = {line.name: line for line in figure.data}
    assert list(lines) == ["pixels", "pixels, by error", "frames", "frames, by error"]
    assert list(lines["pixels"].y) == pytest.approx(np.arange(1, 11) / 2 + 0.5)
    assert list(lines["pixels"].y) == list(lines["pixels, by error"].y)
    assert list(lines["frames"].x) == [0.5, 1.0]
    assert list(lines["frames"].y) == [1.0, 5.0]


def test_without_confidences_there_is_neither_chart(with_truth: Evaluation) -> None:
    assert reliability(with_truth.first) is None
    assert risk_coverage(with_truth.first) is None
