"""Callbacks that end a run before its time, and data that a run stumbles over."""

import os
import signal
from typing import Any

import pytorch_lightning as pl
from torch.utils.data import Dataset

from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import DataError
from m3depth.types import StereoBatch


class StopAfter(pl.Callback):
    """Ends the run in good order after some epochs; the schedule still spans all of them."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs


class KillAt(pl.Callback):
    """As the power does, in the middle of an epoch."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


class SignalAt(pl.Callback):
    """As Ctrl-C or a scheduler does: after a batch of training, or in a validation after it."""

    def __init__(self, name: str, step: int, validation: bool = False, times: int = 1) -> None:
        self.signal, self.step, self.validation = signal.Signals[name], step, validation
        self.times = times

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._send(trainer, validating=False)

    def on_validation_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self._send(trainer, validating=True)

    def _send(self, trainer: pl.Trainer, validating: bool) -> None:
        while self.times and trainer.global_step == self.step and self.validation == validating:
            self.times -= 1
            os.kill(os.getpid(), self.signal)


class Damaged(Dataset[StereoBatch]):
    """Built-in pairs of which one cannot be read, or holds NaN in its pictures."""

    def __init__(self, count: int, unreadable: int = -1, nan: int = -1) -> None:
        self.pairs = SyntheticPairs("train", count, (32, 48))
        self.unreadable, self.nan = unreadable, nan

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> StereoBatch:
        if index == self.unreadable:
            raise DataError(f"left/{index:06d}.png: truncated")
        sample = self.pairs[index]
        if index == self.nan:
            sample["right"] = sample["right"] * float("nan")
        return sample
