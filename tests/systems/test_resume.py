"""A run that was cut and taken up again is the uninterrupted run, to the last bit."""

import csv
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from command_line import TINY, m3depth, m3depth_process, succeed

RUN = ("train", *TINY, "trainer.max_epochs=4", "seed=3", "data.train.count=6")


def rows(output: Path) -> dict[str, dict[str, str]]:
    with (output / "metrics.csv").open(newline="") as file:
        return {row["step"]: row for row in csv.DictReader(file)}


def weights(output: Path) -> dict[str, torch.Tensor]:
    return torch.load(output / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("whole")
    succeed(*RUN, f"output={output}")
    return output


def same_run(output: Path, whole: Path) -> None:
    ours, theirs = weights(output), weights(whole)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    now, expected = rows(output), rows(whole)
    assert list(now) == list(expected)
    for step in expected:
        assert {k: v for k, v in now[step].items() if v} == {
            k: v for k, v in expected[step].items() if v
        }


def test_the_run_is_long_enough_to_tell(whole: Path):
    """Augmentation and the 3D term draw in each of its 12 steps, and the rate changes."""
    logged = rows(whole)
    assert len(logged) == 12
    losses = [float(row["train/loss"]) for row in logged.values()]
    assert len(set(losses)) == 12
    assert all(float(row["train/icp"]) > 0 for row in logged.values())
    assert len({row["lr-Adam"] for row in logged.values()}) == 3


def test_the_same_seed_repeats_a_run(whole: Path, tmp_path: Path):
    succeed(*RUN, f"output={tmp_path}")
    same_run(tmp_path, whole)


def test_another_seed_makes_another_run(whole: Path, tmp_path: Path):
    succeed(*RUN, "seed=4", "trainer.max_epochs=1", f"output={tmp_path}")
    assert rows(tmp_path)["0"]["train/loss"] != rows(whole)["0"]["train/loss"]


def test_the_seed_also_orders_the_pairs(whole: Path):
    assert yaml.safe_load((whole / "config.yaml").read_text())["data"]["seed"] == 3


def test_two_epochs_and_two_more_are_four(whole: Path, tmp_path: Path):
    stop = "+callbacks.stop={_target_: run_fakes.StopAfter, epochs: 2}"
    succeed(*RUN, stop, f"output={tmp_path}")
    assert len(rows(tmp_path)) == 6
    succeed("train", "~callbacks.stop", "checkpoint=last", f"output={tmp_path}")
    same_run(tmp_path, whole)


def test_a_checkpoint_by_its_path_continues_in_another_folder(whole: Path, tmp_path: Path):
    stop = "+callbacks.stop={_target_: run_fakes.StopAfter, epochs: 2}"
    first, second = tmp_path / "first", tmp_path / "second"
    succeed(*RUN, stop, f"output={first}")
    succeed(*RUN, f"checkpoint={first}/checkpoints/last.ckpt", f"output={second}")
    ours, theirs = weights(second), weights(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_killed_run_continues_from_its_last_checkpoint(whole: Path, tmp_path: Path):
    kill = "+callbacks.kill={_target_: run_fakes.KillAt, step: 8}"  # in the third epoch
    told = m3depth_process(*RUN, kill, f"output={tmp_path}", cwd=tmp_path)
    assert told.status == -signal.SIGKILL
    assert (tmp_path / "checkpoints/last.ckpt").is_file()
    assert not (tmp_path / "metrics.json").exists()
    succeed("train", "~callbacks.kill", "checkpoint=last", f"output={tmp_path}")
    assert (tmp_path / "metrics.json").is_file()
    same_run(tmp_path, whole)


@pytest.fixture
def heard() -> Iterator[None]:
    """A suite that a shell runs in the background, or below nohup, is deaf to these signals."""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def sending(name: str, **options: object) -> str:
    """A training that sends itself a signal."""
    inside = "".join(f", {key}: {value}" for key, value in options.items())
    return f"+callbacks.kill={{_target_: run_fakes.SignalAt, name: {name}{inside}}}"


@pytest.mark.parametrize(
    ("name", "options", "steps"),
    [
        pytest.param("SIGTERM", {"step": 8}, 8, id="SIGTERM in an epoch"),
        pytest.param("SIGINT", {"step": 7}, 7, id="Ctrl-C in an epoch"),
        pytest.param("SIGTERM", {"step": 6, "validation": "true"}, 6, id="in a validation"),
        pytest.param("SIGHUP", {"step": 9}, 9, id="after an epoch"),
    ],
)
@pytest.mark.usefixtures("heard")
def test_a_run_that_is_asked_to_stop_goes_on_where_it_was(
    whole: Path, tmp_path: Path, name: str, options: dict[str, object], steps: int
):
    output = tmp_path / "run"
    told = m3depth(*RUN, sending(name, **options), f"output={output}")
    assert told.status == 1, told.err
    assert f"m3depth train: stopped; m3depth train output={output} checkpoint=last" in told.line
    saved = torch.load(output / "checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == steps
    assert not (output / "metrics.json").exists()
    succeed("train", "~callbacks.kill", "checkpoint=last", f"output={output}")
    same_run(output, whole)


@pytest.mark.usefixtures("heard")
def test_asked_twice_a_run_stops_at_once(tmp_path: Path):
    output = tmp_path / "run"
    told = m3depth(*RUN, sending("SIGINT", step=2, times=2), f"output={output}")
    assert told.status == 1
    assert "stopped; there is no checkpoint yet" in told.line
    assert not (output / "checkpoints").exists()


def test_workers_see_the_frames_that_are_left(tmp_path: Path):
    """They fetch ahead of the training, from the epoch and the place that it goes on at."""
    workers = ("data.workers=1", "trainer.max_epochs=2", "data.train.count=8")
    succeed(*RUN, *workers, f"output={tmp_path}/whole")
    stop = sending("SIGTERM", step=6)
    assert m3depth(*RUN, *workers, stop, f"output={tmp_path}/run").status == 1
    succeed("train", "~callbacks.kill", "checkpoint=last", f"output={tmp_path}/run")
    same_run(tmp_path / "run", tmp_path / "whole")


def test_there_must_be_something_to_resume(tmp_path: Path):
    told = m3depth(*RUN, "checkpoint=last", f"output={tmp_path / 'nothing'}")
    assert told.status == 1
    assert "checkpoint=last: no file" in told.line
    assert "output=" in told.line


def test_a_checkpoint_of_another_model_is_refused(whole: Path, tmp_path: Path):
    other = ("network.encoder=test_convnext", f"checkpoint={whole}/checkpoints/last.ckpt")
    told = m3depth(*RUN, *other, f"output={tmp_path}")
    assert told.status == 1
    assert "is of another model: test_resnet" in told.line
    assert "last.ckpt" in told.line
