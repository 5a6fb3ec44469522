"""A run resumes with its present configuration, from the state in its checkpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch.optim.lr_scheduler import LambdaLR

from m3depth.data.shuffled_runs import ShuffledRuns

Checkpoint = dict[str, Any]


class ResumeAsConfigured(pl.Callback):
    """Lightning restores the checkpoint's options; this sets those of the configuration again.

    The optimizer's options come from the configuration, its state from the checkpoint. The learning
    rate is that of the schedule, which may span more epochs now. The best checkpoint stays the best
    when the run's folder was moved; Lightning would forget it.

    Args:
        optimizer: The options in the configuration.
        folder: Of the checkpoints, when the run goes on in its own.
    """

    def __init__(self, optimizer: Mapping[str, Any], folder: Path | None) -> None:
        self.options, self.folder = dict(optimizer), folder

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: Checkpoint
    ) -> None:
        """Change it before Lightning restores it."""
        states, schedules = checkpoint["optimizer_states"], checkpoint["lr_schedulers"]
        for state, schedule in zip(states, schedules, strict=True):
            groups = state["param_groups"]
            for group in groups:
                group.update({name: self.options[name] for name in group if name in self.options})
                if "lr" in self.options:
                    group["initial_lr"] = self.options["lr"] * group.get("rate", 1.0)
            if "lr" in self.options and "base_lrs" in schedule:
                schedule["base_lrs"] = [group["initial_lr"] for group in groups]
        if self.folder is not None:
            for state in checkpoint["callbacks"].values():
                _move(state, str(self.folder.resolve()))

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Set the learning rate of the next step, and go on with the epoch's remaining frames."""
        _pass_over(trainer)
        for config in trainer.lr_scheduler_configs:
            schedule = config.scheduler
            if isinstance(schedule, LambdaLR) and trainer.global_step:
                factors = [factor(schedule.last_epoch) for factor in schedule.lr_lambdas]
                groups = schedule.optimizer.param_groups
                for group, base, factor in zip(groups, schedule.base_lrs, factors, strict=True):
                    group["lr"] = base * factor


def _pass_over(trainer: pl.Trainer) -> None:
    """Skip the frames of the epoch that the run has seen.

    Lightning has started the loader at the beginning of epoch 0, to count its batches.
    """
    loop, loader = trainer.fit_loop, trainer.train_dataloader
    if loader is None or not isinstance(loader.sampler, ShuffledRuns):
        return
    epoch: int = loop.epoch_progress.current.processed  # type: ignore[attr-defined]
    batches = loop.epoch_loop.batch_progress.current.completed if loop.restarting else 0
    loader.sampler.set_epoch(epoch)
    loader.sampler.passed = (epoch, batches * loader.batch_size)
    iter(loop._data_fetcher)  # type: ignore[arg-type]


def _move(state: Any, folder: str) -> None:
    """The state of a `ModelCheckpoint`, as if it had written to this folder."""
    before = state.get("dirpath") if isinstance(state, dict) else None
    if not before or before == folder:
        return
    for name, value in state.items():
        if isinstance(value, str):
            state[name] = value.replace(before, folder)
        elif isinstance(value, dict):
            state[name] = {key.replace(before, folder): one for key, one in value.items()}
