"""Progress of a training: one line in a terminal, one line per epoch in a log."""

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytorch_lightning as pl

from m3depth.status_line import ClearFirst, StatusLine

logger = logging.getLogger(__name__)


class RunProgress(pl.callbacks.ProgressBar):
    """One line, which Lightning's bars are not where the terminal is narrow.

    Args:
        shown: Names of the metrics; a narrow terminal has room for the first ones.
    """

    def __init__(self, shown: Sequence[str] = ("train/loss", "val/mae_mm")) -> None:
        super().__init__()
        self.shown = tuple(shown)
        self.line = StatusLine()
        self._clear_first = ClearFirst(self.line)
        self._enabled = True
        self._began, self._first_step, self._epoch_began = 0.0, 0, 0.0

    def disable(self) -> None:
        """Lightning calls it in all processes but the first."""
        self._enabled = False

    def enable(self) -> None:
        """Lightning may call it."""
        self._enabled = True

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to count; a resumed run has steps already."""
        self._began, self._first_step = time.monotonic(), trainer.global_step
        for handler in logging.root.handlers:
            handler.addFilter(self._clear_first)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the time."""
        self._epoch_began = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Show the step."""
        self._show(trainer, f"{batch_idx + 1}/{self.total_train_batches}")

    def on_validation_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        """Show the step."""
        self._show(trainer, f"val {batch_idx + 1}/{trainer.num_val_batches[0]}")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log a line, where the output is no terminal."""
        if self._enabled and not self.line.on:
            took = f"{time.monotonic() - self._epoch_began:.0f} s"
            logger.info(", ".join((_epoch(trainer), *self._metrics(trainer), took)))

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Clear the line, however the run ended."""
        self.line.clear()
        for handler in logging.root.handlers:
            handler.removeFilter(self._clear_first)

    def _show(self, trainer: pl.Trainer, done: str) -> None:
        if self._enabled:
            left = [f"{left} left"] if (left := self._left(trainer)) else []
            self.line.show([_epoch(trainer), done, *left, *self._metrics(trainer)])

    def _metrics(self, trainer: pl.Trainer) -> list[str]:
        known = trainer.callback_metrics
        return [f"{name} {float(known[name]):.4g}" for name in self.shown if name in known]

    def _left(self, trainer: pl.Trainer) -> timedelta | None:
        """Time for the remaining steps, by the mean of those before."""
        done = trainer.global_step - self._first_step
        steps = trainer.estimated_stepping_batches - trainer.global_step
        if done <= 0 or steps == float("inf"):
            return None
        return timedelta(seconds=round((time.monotonic() - self._began) / done * steps))


def _epoch(trainer: pl.Trainer) -> str:
    most = f"/{trainer.max_epochs}" if (trainer.max_epochs or 0) > 0 else ""
    return f"epoch {trainer.current_epoch + 1}{most}"
