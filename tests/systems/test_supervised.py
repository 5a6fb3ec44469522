"""Training on labels: metric, relative, and both in one set, from the command line."""

import csv
from pathlib import Path

import pytest
from command_line import NETWORK, SCENES, m3depth_process, succeed

SUPERVISED = ("train", "system=supervised", *NETWORK, "trainer=cpu", "data.workers=0")


def last_of(output: Path, name: str) -> list[float]:
    with (output / "metrics.csv").open(newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file) if row.get(name)]


@pytest.mark.parametrize(
    ("objective", "data"),
    [("relative", "synthetic_relative"), ("metric", "synthetic"), ("mixed", "synthetic")],
)
def test_every_objective_on_labels_trains(objective: str, data: str, tmp_path: Path):
    counts = [one.replace("train.count", "train.pairs.count") for one in SCENES]
    counts = [one.replace("val.count", "val.pairs.count") for one in counts]
    scenes = counts if data == "synthetic_relative" else SCENES
    succeed(
        *(*SUPERVISED, f"objective={objective}", f"data={data}", *scenes, "debug=two_steps"),
        f"output={tmp_path}",
    )
    assert last_of(tmp_path, "val/loss")
    assert bool(last_of(tmp_path, "val/mae_mm")) == (data == "synthetic")


def test_it_learns_one_frame(tmp_path: Path):
    succeed(
        *(*SUPERVISED, "objective=mixed", *SCENES, "data.train.count=1"),
        *("data.val.count=1", "data.val.split=train", "data.test.count=1", "data.batch_size=1"),
        *("debug=overfit", "optimizer.lr=3e-3", "trainer.max_epochs=40", f"output={tmp_path}"),
        *("+trainer.check_val_every_n_epoch=5", "augmentation=none"),
    )
    losses = last_of(tmp_path, "val/loss")
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(
    ("system", "objective", "told"),
    [("supervised", "m3depth", "look at Views"), ("stereo", "relative", "look at Labelled")],
)
def test_an_objective_of_the_other_system_is_one_line(
    system: str, objective: str, told: str, tmp_path: Path
):
    found = m3depth_process(
        *("train", f"system={system}", f"objective={objective}", *NETWORK, *SCENES),
        *("trainer=cpu", "debug=two_steps", "system.monitor=val/loss", "output=run"),
        cwd=tmp_path,
    )
    assert found.status == 2
    assert told in found.line
