import csv
from pathlib import Path

from m3depth.systems.csv_logger import CsvLogger


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_a_step_blank_where_nothing_was_said(tmp_path: Path):
    log = CsvLogger(tmp_path / "metrics.csv")
    log.log_metrics({"train/loss": 0.5}, step=0)
    log.log_metrics({"train/loss": 0.25}, step=1)
    log.log_metrics({"val/loss": 0.75}, step=1)
    log.finalize("success")
    assert read(log.path) == [
        {"step": "0", "train/loss": "0.5", "val/loss": ""},
        {"step": "1", "train/loss": "0.25", "val/loss": "0.75"},
    ]


def test_a_resumed_run_keeps_the_rows_before_and_replaces_those_after(tmp_path: Path):
    path = tmp_path / "metrics.csv"
    first = CsvLogger(path)
    for step in range(5):
        first.log_metrics({"loss": float(step)}, step=step)
    first.finalize("interrupted")
    second = CsvLogger(path)
    second.log_metrics({"loss": 20.0, "new": 1.0}, step=2)
    second.log_metrics({"loss": 30.0}, step=3)
    second.finalize("interrupted")
    assert [row["loss"] for row in read(path)] == ["0.0", "1.0", "20.0", "30.0"]
    assert [row["new"] for row in read(path)] == ["", "", "1.0", ""]


def test_rows_are_on_disk_before_the_run_ends(tmp_path: Path):
    log = CsvLogger(tmp_path / "runs/a/metrics.csv")
    log.log_metrics({"loss": 1.0}, step=0)
    log.save()
    assert read(log.path) == [{"step": "0", "loss": "1.0"}]


def test_nothing_logged_leaves_no_file(tmp_path: Path):
    CsvLogger(tmp_path / "metrics.csv").finalize("success")
    assert not (tmp_path / "metrics.csv").exists()
