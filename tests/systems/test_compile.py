"""A compiled network trains as the eager one does, but for rounding."""

import csv
import shutil
from pathlib import Path

import pytest
import torch
from command_line import m3depth_process, succeed

RUN = (
    *("train", "objective=monodepth", "debug=two_steps", "check=off"),
    *("network.encoder=test_resnet", "network.widths=[16,16,8,8,8]"),
    *("data.train.count=8", "data.val.count=2", "data.test.count=2", "data.size=[32,48]"),
    # a plain gradient step shows the gradient's size, which Adam's first steps hide
    *("optimizer._target_=torch.optim.SGD", "optimizer.lr=0.1"),
    *("data.batch_size=4", "trainer.accelerator=cpu"),
)


def losses(run: Path) -> list[float]:
    with (run / "metrics.csv").open(newline="") as file:
        return [float(row["train/loss"]) for row in csv.DictReader(file)]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]


@pytest.mark.skipif(shutil.which("g++") is None, reason="no compiler on the path")
def test_two_steps_are_the_eager_ones(tmp_path: Path):
    eager, compiled = tmp_path / "eager", tmp_path / "compiled"
    told = m3depth_process(*RUN, "compile=true", f"output={compiled}", cwd=tmp_path)
    assert told.status == 0, told.err
    succeed(*RUN, f"output={eager}")
    assert losses(compiled) == pytest.approx(losses(eager), rel=1e-5)
    theirs = weights(eager)
    assert weights(compiled).keys() == theirs.keys()
    for name, ours in weights(compiled).items():
        torch.testing.assert_close(ours, theirs[name], rtol=1e-4, atol=1e-6, msg=name)
