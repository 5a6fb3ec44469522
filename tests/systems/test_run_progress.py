"""Progress is one line of a terminal, however narrow, and a line an epoch in a log."""

import io
import logging
import os
import re
import sys
from typing import Any
from unittest import mock

import pytest
import pytorch_lightning as pl
import torch

from m3depth import status_line
from m3depth.status_line import ERASE, fitted
from m3depth.systems.run_progress import RunProgress

METRICS = {
    "train/loss": torch.tensor(0.123456),
    "val/photometric": torch.tensor(0.2),
    "val/mae_mm": torch.tensor(8.25),
    **{f"train/term_{i}": torch.tensor(1.0) for i in range(9)},
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


MODULE = mock.Mock(spec=pl.LightningModule)


def trainer(step: int = 100) -> Any:
    return mock.Mock(
        spec=pl.Trainer,
        current_epoch=2,
        max_epochs=50,
        global_step=step,
        estimated_stepping_batches=1000,
        callback_metrics=METRICS,
        num_training_batches=20,
        num_val_batches=[4],
        is_global_zero=True,
    )


def run(bar: RunProgress) -> None:
    now = trainer()
    bar.setup(now, MODULE, "fit")
    bar.on_train_start(trainer(step=0), MODULE)
    bar.on_train_epoch_start(now, MODULE)
    for i in range(3):
        bar.line._shown_at = -1  # as if a tenth of a second had gone by
        bar.on_train_batch_end(now, MODULE, None, None, i)
    bar.line._shown_at = -1
    bar.on_validation_batch_end(now, MODULE, None, None, 0)
    logging.getLogger("m3depth").warning("skipped: left/000001.png")
    bar.on_train_epoch_end(now, MODULE)
    bar.teardown(now, MODULE, "fit")


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 200])
def test_it_is_one_line_in_a_terminal(columns: int, monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(status_line, "_columns", lambda: columns)
    run(RunProgress(["train/loss", "val/photometric", "val/mae_mm"]))
    told = terminal.getvalue()
    assert "\n" not in told
    shown = [text for text in told.split(ERASE) if text]
    assert len(shown) == 4
    assert all(len(text) < columns for text in shown)
    assert shown[1].startswith("epoch 3/50  2/20")
    assert shown[3].startswith("epoch 3/50  val 1/4")
    assert ("val/mae_mm 8.25" in shown[1]) == (columns >= 80)
    assert "term_3" not in told
    assert told.endswith(ERASE)


def test_a_message_does_not_stand_behind_it(monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    handler = logging.StreamHandler(terminal)
    logging.root.addHandler(handler)
    try:
        run(RunProgress(["train/loss"]))
    finally:
        logging.root.removeHandler(handler)
    assert f"{ERASE}skipped: left/000001.png\n" in terminal.getvalue()
    assert not handler.filters


def test_in_a_log_an_epoch_is_a_line(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "m3depth")
    run(RunProgress(["train/loss", "val/mae_mm"]))
    lines = [one for one in caplog.messages if one.startswith("epoch")]
    assert len(lines) == 1
    assert re.fullmatch(r"epoch 3/50, train/loss 0\.1235, val/mae_mm 8\.25, \d+ s", lines[0])


def test_other_processes_of_a_run_are_silent(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "m3depth")
    bar = RunProgress()
    other = trainer()
    other.is_global_zero = False
    bar.setup(other, MODULE, "fit")
    bar.on_train_epoch_start(other, MODULE)
    bar.on_train_epoch_end(other, MODULE)
    assert not caplog.messages


def test_a_line_is_never_as_wide_as_the_terminal():
    assert fitted(["epoch 3/50", "12/210"], 18) == "epoch 3/50"
    assert fitted(["epoch 3/50", "12/210"], 19) == "epoch 3/50  12/210"
    assert fitted(["epoch 3/50"], 6) == "epoch"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo terminals")
def test_the_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch):
    import fcntl
    import struct
    import termios

    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 47, 0, 0))
    with os.fdopen(follower, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        assert status_line._columns() == 47
        assert status_line.StatusLine().on
        monkeypatch.undo()
    os.close(leader)
