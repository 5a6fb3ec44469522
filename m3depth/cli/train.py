"""``m3depth train``."""

import logging
import warnings
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.check.before_training import mode_of, require_fit
from m3depth.cli.hold_out import settle_hold_out, told_hold_out
from m3depth.cli.scoring import build_protocols, score_checkpoint
from m3depth.data.module import StereoData
from m3depth.errors import ConfigError, UserError
from m3depth.options import require_number, require_switch
from m3depth.systems.base import System
from m3depth.systems.build import build_system
from m3depth.systems.callbacks import DescribeCheckpoint
from m3depth.systems.checkpoint import check_resumable, describe, load_model

# The least that each may be; Lightning looks at them when the run has begun.
COUNTS = {
    "max_epochs": -1,
    "log_every_n_steps": 0,
    "check_val_every_n_epoch": 1,
    "accumulate_grad_batches": 1,
}
logger = logging.getLogger(__name__)


def train(config: DictConfig) -> float | None:
    """One run, from configuration to report.

    Returns:
        The best value of the monitored metric, for the table of a multirun.
    """
    _quieten()
    settle_hold_out(config.data)
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    _require_options(plain)
    output = Path(config.output)
    checkpoint = _resume_from(config.checkpoint, output)
    output.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(OmegaConf.create(plain), output / "config.yaml")

    pl.seed_everything(config.seed, workers=True, verbose=False)
    data: StereoData = instantiate(config.data)
    require_fit(data, config.get("check", "error"))
    if told := told_hold_out(config.data):
        logger.info(told)
    system = build_system(config)
    data.needs = system.needs
    _try_optimizer(system)
    _check_monitors(config, system)
    if config.compile:
        # with channels last torch's compiler is wrong about the layout of the padding's gradient
        network = getattr(system, system.gives_depth)
        network.to(memory_format=torch.contiguous_format)
        network.compile(options={"layout_optimization": False})
    if checkpoint:
        check_resumable(checkpoint, system)
    trainer = _trainer(config, DescribeCheckpoint(describe(plain, system, data)))
    try:
        for one in trainer.loggers:
            one.log_hyperparams(plain)
        trainer.fit(system, data, ckpt_path=checkpoint, weights_only=True)
        best = trainer.checkpoint_callback
        if trainer.is_global_zero:
            _score_best(config, plain, output, data)
    finally:
        _close_wandb(trainer)
    score_of_best = getattr(best, "best_model_score", None)
    return None if score_of_best is None else float(score_of_best)


def _quieten() -> None:
    """Keep what libraries say about themselves from hiding what the run says."""
    for name in ("pytorch_lightning.utilities.rank_zero", "timm"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 on torch 2.15
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")  # data.workers


def _require_options(plain: dict[str, Any]) -> None:
    mode_of(plain.get("check", "error"))
    for switch in ("compile", "flip"):
        require_switch(switch, plain[switch])
    require_number("seed", plain["seed"], 0, 2**32 - 1, whole=True)
    for name, least in COUNTS.items():
        if plain["trainer"].get(name) is not None:
            require_number(f"trainer.{name}", plain["trainer"][name], least, whole=True)


def _try_optimizer(system: System) -> None:
    """Lightning makes it when the data are there already, and a wrong rate is a traceback then."""
    try:
        optimizer = system.make_optimizer(system.parameters())
        system.make_scheduler(optimizer, 10)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"optimizer or scheduler: {error}; see their options") from error


def _check_monitors(config: DictConfig, system: System) -> None:
    """Lightning would notice a wrong name only after the first epoch."""
    for name, callback in config.callbacks.items():
        monitor = callback.get("monitor")
        if monitor is not None and monitor not in system.monitors:
            raise ConfigError(
                f"callbacks.{name}.monitor={monitor} is never logged; choose "
                f"{', '.join(system.monitors)}"
            )


def _trainer(config: DictConfig, describer: pl.Callback) -> pl.Trainer:
    callbacks = [instantiate(callback) for callback in config.callbacks.values()]
    loggers = [instantiate(one) for one in config.logger.values()]
    trainer: pl.Trainer = instantiate(
        config.trainer,
        callbacks=[*callbacks, describer],
        logger=loggers,
        enable_progress_bar=any(isinstance(one, pl.callbacks.ProgressBar) for one in callbacks),
        default_root_dir=config.output,
    )
    return trainer


def _resume_from(checkpoint: str | None, output: Path) -> Path | None:
    if checkpoint is None:
        return None
    last = output / "checkpoints" / "last.ckpt"
    path = last if checkpoint == "last" else Path(checkpoint)
    if not path.is_file():
        hint = "; give output=DIR of the run to go on with" if checkpoint == "last" else ""
        raise UserError(f"checkpoint={checkpoint}: no file {path}{hint}")
    return path


def _score_best(config: DictConfig, plain: dict[str, Any], output: Path, data: StereoData) -> None:
    folder = output / "checkpoints"
    best = next((f for f in (folder / "best.ckpt", folder / "last.ckpt") if f.is_file()), None)
    if best is None:
        raise ConfigError("callbacks.checkpoint: no checkpoint was written, nothing to score")
    model = load_model(best)
    protocols = build_protocols(config)
    score_checkpoint(
        model,
        data,
        protocols,
        output,
        checkpoint=best,
        config=plain,
        flip=config.flip,
    )


def _close_wandb(trainer: pl.Trainer) -> None:
    for one in trainer.loggers:
        if isinstance(one, pl.loggers.WandbLogger):
            one.experiment.finish()
