"""Repeatable random numbers, skipped frames, and the contents of a checkpoint."""

import logging
from typing import Any

import pytorch_lightning as pl
import torch

from m3depth.types import StereoBatch

logger = logging.getLogger(__name__)


class SeedEachStep(pl.Callback):
    """Makes every draw of a batch a function of (seed, batches before it, rank).

    So a resumed run draws what the uninterrupted one would have drawn, with no generator's state
    to save.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: StereoBatch, batch_idx: int
    ) -> None:
        """Reseed torch, all devices."""
        # Not the step: batches whose gradients are accumulated are of one step
        count = trainer.fit_loop.total_batch_idx * trainer.world_size + trainer.global_rank
        torch.manual_seed(self.seed * 1_000_003 + count)

    def on_validation_batch_start(self, *_: Any) -> None:
        """Validation draws the same points after every epoch."""
        torch.manual_seed(self.seed)


class ReportSkipped(pl.Callback):
    """Counts the frames that could not be read and says so when the run ends, however it ends."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Collect."""
        for lines in batch.get("skipped", ()):
            self.reasons.update(lines.splitlines())

    def on_validation_batch_end(self, *args: Any) -> None:
        """Collect."""
        self.on_train_batch_end(*args)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Report."""
        for reason in sorted(self.reasons):
            logger.warning("skipped: %s", reason)
        if self.reasons:
            logger.warning("%d unreadable frames were skipped", len(self.reasons))


class DescribeCheckpoint(pl.Callback):
    """Adds to a checkpoint what is needed to use it without the run's other files.

    Args:
        description: See `m3depth.systems.checkpoint`. Plain containers only, so that
            ``torch.load(weights_only=True)`` reads it.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = description

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Write it under the key ``m3depth``, with the doubt that the last validation left."""
        checkpoint["m3depth"] = {**self.description, "doubt": getattr(pl_module, "doubt", "")}
