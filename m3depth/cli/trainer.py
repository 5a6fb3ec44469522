"""Lightning's trainer for a configuration, and the checkpoints that its callbacks write."""

import logging
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.callbacks import LearningRateMonitor

from m3depth.errors import ConfigError


def quieten() -> None:
    """Keep messages of libraries about themselves from hiding those of the run."""
    for name in ("pytorch_lightning.utilities.rank_zero", "timm"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 on torch 2.15
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")  # data.workers
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # ours is
    warnings.filterwarnings("ignore", message="Checkpoint directory .* is not empty")  # resumed
    warnings.filterwarnings("ignore", message="Found .* module.s. in eval mode")  # we hold them so


def make_trainer(config: DictConfig, *more: pl.Callback) -> pl.Trainer:
    """Lightning's trainer, with the configuration's callbacks and loggers, and ``more`` callbacks.

    Raises:
        ConfigError: nothing would be kept of the training, or a logger cannot begin.
    """
    callbacks = [instantiate(one) for one in config.callbacks.values() if one is not None]
    _require_checkpoint(callbacks)
    loggers = [instantiate(one) for one in config.logger.values()]
    _begin_loggers(loggers)
    if not loggers:  # Lightning refuses what would write there
        callbacks = [one for one in callbacks if not isinstance(one, LearningRateMonitor)]
    trainer: pl.Trainer = instantiate(
        config.trainer,
        callbacks=[*callbacks, *more],
        logger=loggers,
        enable_progress_bar=any(isinstance(one, pl.callbacks.ProgressBar) for one in callbacks),
        default_root_dir=config.output,
    )
    return trainer


def own_checkpoints(trainer: pl.Trainer, output: Path) -> list[str]:
    """Their paths below the output, as far as they are known before the run.

    Raises:
        ConfigError: a callback would write elsewhere, where another run's may be.
    """
    names = []
    for one in trainer.checkpoint_callbacks:
        place = Path(str(getattr(one, "dirpath", None) or output)).resolve()
        if not place.is_relative_to(output.resolve()):
            raise ConfigError(
                f"callbacks: checkpoints would go to {place}, which is outside output={output}; "
                "leave dirpath= as it is"
            )
        name = getattr(one, "filename", None) or "{epoch}"
        if "{" not in name:
            names.append(str(place.relative_to(output.resolve()) / f"{name}.ckpt"))
    return names


def written_checkpoints(trainer: pl.Trainer, folder: Path) -> list[str]:
    """Those in the folder, by their paths below it: a callback may name them otherwise."""
    written = [
        path
        for one in trainer.checkpoint_callbacks
        if isinstance(one, pl.callbacks.ModelCheckpoint)
        for path in (one.best_model_path, one.last_model_path, *one.best_k_models)
        if path
    ]
    names = (os.path.relpath(path, os.path.realpath(folder)) for path in written)
    return [name for name in names if not name.startswith(os.pardir)]


def best_checkpoint(trainer: pl.Trainer, output: Path) -> Path:
    """The one that a callback monitored, if it is the output's, or else the last.

    Raises:
        ConfigError: none was written.
    """
    folder = output / "checkpoints"
    monitored = [one for one in trainer.checkpoint_callbacks if getattr(one, "monitor", None)]
    paths = [Path(getattr(one, "best_model_path", "")).resolve() for one in monitored]
    ours = [path for path in paths if path.is_relative_to(output.resolve())]
    for path in (*ours, folder / "best.ckpt", folder / "last.ckpt"):
        if path.is_file():
            return path
    raise ConfigError(
        "trainer: no checkpoint was written, nothing to score: no frame was trained on, or its "
        "options (limit_train_batches, fast_dev_run) keep it from writing one"
    )


def close_wandb(trainer: pl.Trainer) -> None:
    """Send what is left; a further run of this process has a page of its own."""
    for one in trainer.loggers:
        if isinstance(one, pl.loggers.WandbLogger):
            one.experiment.finish()


def _require_checkpoint(callbacks: Iterable[pl.Callback]) -> None:
    if not any(isinstance(one, pl.callbacks.ModelCheckpoint) for one in callbacks):
        raise ConfigError(
            "callbacks: none of them writes checkpoints, so nothing would be left of the training; "
            "keep callbacks.checkpoint or callbacks.last"
        )


def _begin_loggers(loggers: Iterable[Any]) -> None:
    """Now, not after the first epoch: wandb may have no key, or not be reached."""
    for one in loggers:
        if isinstance(one, pl.loggers.WandbLogger):
            import wandb

            try:
                _ = one.experiment
            except (wandb.errors.Error, OSError, ValueError) as error:
                why = " ".join(str(error).split())
                raise ConfigError(
                    f"logger=wandb: {why}; `wandb login` once, or WANDB_API_KEY=..., or "
                    "logger.wandb.offline=true, which `wandb sync` sends later"
                ) from error
