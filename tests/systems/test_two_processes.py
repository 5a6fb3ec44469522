"""Two gloo processes with half the batch each are one process with all of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from command_line import Told, m3depth_process, succeed

RUN = (
    *("train", "objective=monodepth", "augmentation=none", "trainer.max_epochs=1"),
    *("network.encoder=test_convnext", "network.widths=[16,16,8,8,8]"),
    *("data.train.count=8", "data.val.count=2", "data.test.count=2", "data.size=[32,48]"),
    # a plain gradient step shows the gradient's size, which Adam's first steps hide
    *("optimizer._target_=torch.optim.SGD", "optimizer.lr=1.0"),
    *("trainer.accelerator=cpu", "trainer.log_every_n_steps=1"),
    "+objective.terms.error.rows=1.0",  # or each process would draw its own
)


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    cwd = tmp_path_factory.mktemp("one")
    succeed(*RUN, "data.batch_size=4", f"output={cwd}/run")
    return final(cwd / "run")


def final(run: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    assert saved["global_step"] == 2
    return saved["state_dict"]


def agree(run: Path, one: dict[str, torch.Tensor]) -> None:
    two = final(run)
    assert two.keys() == one.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-5, atol=1e-6, msg=name)
    assert (run / "metrics.json").is_file()
    assert (run / "report.html").is_file()


DDP = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=32-true", "trainer.devices=2")


def test_lightning_starts_the_second_process(one_process, tmp_path: Path):
    arguments = (*RUN, *DDP, "data.batch_size=2", f"output={tmp_path}/run")
    told = m3depth_process(*arguments, cwd=tmp_path)
    assert told.status == 0, told.err
    agree(tmp_path / "run", one_process)


def test_torchrun_starts_both(one_process, tmp_path: Path):
    told = torchrun(*RUN, *DDP, "data.batch_size=2", f"output={tmp_path}/run", cwd=tmp_path)
    assert told.status == 0, told.err
    agree(tmp_path / "run", one_process)


def torchrun(*arguments: str, cwd: Path) -> Told:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, "-m", "m3depth", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=240,
        env=dict(os.environ),
    )
    return Told(done.returncode, done.stdout, done.stderr)
