"""-m: a folder for each job, named by its settings, and a table, whatever becomes of one."""

import csv
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from command_line import TINY, Told, m3depth, succeed

from m3depth.cli import verbs
from m3depth.cli.job_names import LONGEST, job_name
from m3depth.cli.job_table import text_table
from m3depth.cli.run import run
from m3depth.errors import DataError

RAN: list[str] = []


def task(config: Any) -> float:
    """Stands for a training."""
    RAN.append(config.output)
    if config.seed == 2:
        raise DataError("left/000001.png: damaged")
    if config.seed == 4:
        raise RuntimeError("a fault of ours")
    if config.seed == 6:
        raise KeyboardInterrupt
    Path(config.output).mkdir(parents=True, exist_ok=True)
    record = {"metrics": {"mae_mm": config.seed / 2}}
    (Path(config.output) / "metrics.json").write_text(json.dumps(record))
    return config.seed / 10


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    RAN.clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verbs, "train", lambda rest: run("train", rest, f"{__name__}.task"))


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def train(line: str) -> Told:
    return m3depth("train", *line.split())


@pytest.mark.parametrize("line", ["-m seed=1,3,5 output=R", "output=R seed=1,3,5 -m name=x"])
def test_each_job_has_a_folder_named_by_its_settings(line: str, tmp_path: Path):
    told = train(line)
    assert told.status == 0, told.err
    assert RAN == ["R/seed=1", "R/seed=3", "R/seed=5"]
    rows = table(tmp_path / "R")
    assert [row["seed"] for row in rows] == ["1", "3", "5"]
    assert [(row["status"], row["best"], row["mae_mm"]) for row in rows] == [
        *(("ok", "0.1", "0.5"), ("ok", "0.3", "1.5"), ("ok", "0.5", "2.5")),
    ]
    shown = (tmp_path / "R/table.md").read_text()
    assert shown in told.out
    assert len({len(line) for line in shown.splitlines()}) == 1


def test_without_an_output_they_are_below_one_folder_of_the_sweep():
    assert train("-m seed=1,3").status == 0
    one, other = map(Path, RAN)
    assert (one.name, other.name) == ("seed=1", "seed=3")
    assert one.parent == other.parent
    assert one.parent.parent == Path("outputs/sweeps")
    assert len(table(one.parent)) == 2


def test_outputs_that_differ_already_are_kept():
    assert train("-m experiment=ablation/rig,ablation/monodepth seed=1,3").status == 0
    names = ("rig_1", "rig_3", "monodepth_1", "monodepth_3")
    assert [f"outputs/ablation/{name}" for name in names] == RAN


def test_a_job_that_fails_does_not_stop_the_others(tmp_path: Path):
    told = train("-m seed=2,4,5 output=R")
    assert told.status == 1
    assert len(RAN) == 3
    rows = {row["seed"]: row["status"] for row in table(tmp_path / "R")}
    assert rows["2"] == "failed: left/000001.png: damaged"
    assert rows["4"] == "failed: RuntimeError: a fault of ours"
    assert rows["5"] == "ok"
    assert "m3depth train: seed=2: left/000001.png: damaged" in told.err


def test_a_multirun_that_is_stopped_leaves_the_table_of_what_ran(tmp_path: Path):
    told = train("-m seed=1,6,3 output=R")
    assert told.status == 1
    rows = table(tmp_path / "R")
    assert [(row["seed"], row["status"]) for row in rows] == [("1", "ok"), ("6", "stopped")]


def test_a_later_multirun_adds_to_the_table(tmp_path: Path):
    train("-m seed=1,2 output=R")
    train("-m seed=2,3 output=R")
    assert [row["seed"] for row in table(tmp_path / "R")] == ["1", "2", "3"]


@pytest.mark.parametrize("wrong", ["optimiser.lr=1", "objective=nothing", "seed=interval(1,2)"])
def test_nothing_runs_before_all_jobs_are_checked(wrong: str, tmp_path: Path):
    told = train(f"-m seed=1,2 output=R {wrong}")
    assert told.status == 2
    assert told.line
    assert not RAN
    assert not list(tmp_path.iterdir())


def test_one_job_of_several_has_a_setting_that_its_experiment_lacks():
    told = train("-m objective=monodepth,rig objective.terms.icp.weight=1 output=R")
    assert told.status == 2
    assert not RAN


def test_a_sweeper_of_hydras_is_not_taken_for_ours():
    assert "runs its jobs itself" in train("-m seed=1,2 hydra/launcher=basic").line


def test_paths_of_any_name_may_be_several():
    train("-m seed=1,3 output=case=3")
    assert RAN == ["case=3/seed=1", "case=3/seed=3"]


def test_names_are_safe_short_and_different():
    assert job_name({"seed": "1", "optimizer.lr": "1e-3"}) == "seed=1_optimizer.lr=1e-3"
    names = [job_name({"input": value}) for value in ("/a b", "/a;b", "/a/b", "x" * 500, "x" * 501)]
    assert len(set(names)) == 5
    for name in names:
        assert len(name) < LONGEST + 10
        assert not set(name) & set(" /;'\"()*?|\\,:")


def test_two_true_trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    succeed("train", *TINY, "debug=two_steps", "-m", "seed=1,2", "callbacks.progress=null")
    (sweep,) = (tmp_path / "outputs/sweeps").iterdir()
    for seed in (1, 2):
        assert (sweep / f"seed={seed}/checkpoints/best.ckpt").is_file()
        assert f"seed: {seed}" in (sweep / f"seed={seed}/config.yaml").read_text()
    assert all(float(row["best"]) > 0 and float(row["mae_mm"]) > 0 for row in table(sweep))
    assert {file.name for file in sweep.iterdir()} == {"seed=1", "seed=2", "table.csv", "table.md"}


def test_a_job_that_is_refused_leaves_what_the_table_says_of_the_run_that_stands(tmp_path: Path):
    assert train("-m seed=1,3 output=R").status == 0
    before = table(tmp_path / "R")
    with mock.patch(f"{__name__}.task", side_effect=DataError("R/seed=1: holds a run")):
        told = train("-m seed=1,3 output=R")
    assert told.status == 1
    assert "failed: R/seed=1: holds a run" in told.out
    assert table(tmp_path / "R") == before


def test_the_same_value_twice_is_refused_before_the_first_job():
    told = train("-m seed=1,1 output=R")
    assert told.status == 2
    assert "seed=1: comes twice" in told.line
    assert RAN == []


@pytest.mark.parametrize("name", ["table.csv", "table.md"])
def test_a_users_table_is_not_replaced(name: str, tmp_path: Path):
    (tmp_path / "R").mkdir()
    (tmp_path / "R" / name).write_text("patient,age\n1,50\n")
    told = train("-m seed=1,3 output=R")
    assert told.status == 1
    assert f"{name}: is no table of a multirun" in told.line
    assert (tmp_path / "R" / name).read_text() == "patient,age\n1,50\n"
    assert RAN == []


def test_the_table_to_be_read_is_narrow():
    metrics = {f"metric_{number}": 0.123456789 for number in range(30)}
    told = text_table(
        [
            {"seed": "1", "status": "ok", "best": 0.25, "mae_mm": 3.14159, **metrics},
            {"seed": "2", "status": f"failed: {'long ' * 50}", "output": "/a/very/long/path"},
        ]
    )
    head, _, one, other = told.splitlines()
    assert head.split() == "| seed | status | best | mae_mm |".replace("|", "| ").split()
    assert "3.142" in one
    assert "..." in other
    assert max(map(len, told.splitlines())) < 100
