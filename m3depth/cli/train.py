"""``m3depth train``."""

import logging
import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from lightning_fabric.utilities.rank_zero import rank_zero_only
from omegaconf import DictConfig, OmegaConf
from pytorch_lightning.callbacks import LearningRateMonitor

from m3depth.check.require_fit import mode_of, require_fit
from m3depth.cli.before_training import (
    begin_loggers,
    require_checkpoint,
    require_room_for_pairs,
    require_trainer,
    try_network,
)
from m3depth.cli.hold_out import settle_hold_out, told_hold_out
from m3depth.cli.inputs import data_inputs
from m3depth.cli.resume import (
    Earlier,
    own_checkpoint,
    own_configuration,
    refuse_changes,
    save_config,
    tell,
    telling_how_to_go_on,
)
from m3depth.cli.scoring import build_protocols, curves_of, score
from m3depth.data.module import StereoData
from m3depth.errors import ConfigError, UserError
from m3depth.networks.configuration import what_makes
from m3depth.networks.start import begin
from m3depth.outputs.claim import Claim, Output
from m3depth.sources.checkpoint import network_source
from m3depth.systems.base import System
from m3depth.systems.build import build_system
from m3depth.systems.callbacks import DescribeCheckpoint
from m3depth.systems.checkpoint import Progress, check_resumable, describe, saved_configuration
from m3depth.systems.resuming import ResumeAsConfigured
from m3depth.systems.stopping import CheckpointWhenStopped
from m3depth.validation import require_name, require_number, require_switch

FILES = (
    *("config.yaml", "metrics.csv", "metrics.json", "per_frame.csv", "report.html"),
    *("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
)
# What a checkpoint's weights and its optimiser's state are of
FIXED = ("network", "system", "optimizer._target_")
# What weights have at first
FREE = ("network.initial_disparity", "network.pretrained", "network.start")
# The least that each may be; Lightning looks at them when the run has begun.
COUNTS = {
    "max_epochs": 1,
    "log_every_n_steps": 0,
    "check_val_every_n_epoch": 1,
    "accumulate_grad_batches": 1,
    "max_steps": 1,
}
ENDLESS = {"max_epochs": -1, "max_steps": -1}  # what Lightning has for without end
logger = logging.getLogger(__name__)


def train(config: DictConfig) -> float | None:
    """One run, from configuration to report.

    Returns:
        The best value of the monitored metric, for the table of a multirun.
    """
    _quieten()
    earlier = _earlier(config)
    if earlier:
        config = own_configuration(config, earlier)
    settle_hold_out(config.data)
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if earlier:
        refuse_changes(earlier.config, plain, FIXED, FREE)
    _require_options(plain)
    if _rank():  # the first process of the run owns its output, and tells
        with suppress(KeyboardInterrupt):
            return _trained(config, plain, earlier, None)
        raise SystemExit(1)
    output = Output(
        config.output,
        "train",
        inputs=data_inputs(config.data),
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite,
        goes_on=earlier is not None,
        ways_on="checkpoint=last goes on with it, ",
        names=FILES,
    )
    with output.claimed() as claim, telling_how_to_go_on("train", Path(config.output)):
        return _trained(config, plain, earlier, claim)


def _trained(
    config: DictConfig, plain: dict[str, Any], earlier: Earlier | None, claim: Claim | None
) -> float | None:
    """Everything is made and looked at before the first file is written."""
    output = Path(config.output)
    checkpoint = _resume_from(config.checkpoint, output)
    pl.seed_everything(config.seed, workers=True, verbose=False)
    data: StereoData = instantiate(config.data)
    require_fit(data, config.get("check", "error"))
    if told := told_hold_out(config.data):
        logger.info(told)
    system = build_system(config)
    data.needs = system.needs
    try_network(getattr(system, system.gives_depth), data)
    _try_optimizer(system)
    _check_monitors(config, system)
    if config.compile:
        # with channels last torch's compiler is wrong about the layout of the padding's gradient
        network = getattr(system, system.gives_depth)
        network.to(memory_format=torch.contiguous_format)
        network.compile(options={"layout_optimization": False})
    description = describe(plain, system, data)
    if not checkpoint:
        _begin(system, plain, description)
    else:
        saved = check_resumable(checkpoint, system)
        _check_resumed(plain, earlier, saved, output)
        # With other data now, the weights have still learned from those of then
        description["trained_on"] = sorted(saved.trained_on.union(description["trained_on"]))
    stop = CheckpointWhenStopped(output / "checkpoints" / "last.ckpt")
    own = output / "checkpoints" if earlier else None
    resumes = [ResumeAsConfigured(plain["optimizer"], own)] if checkpoint else []
    trainer = _trainer(config, DescribeCheckpoint(description), stop, *resumes)
    own_files = _own_checkpoints(trainer, output)
    if claim:
        claim.adopt(FILES if earlier else [])
        if not earlier:
            claim.require_free(own_files)
        save_config(output / "config.yaml", plain)
        claim.adopt(FILES)
    try:
        for one in trainer.loggers:
            one.log_hyperparams(plain)
        with stop.listening():
            trainer.fit(system, data, ckpt_path=checkpoint, weights_only=True)
        best = trainer.checkpoint_callback
        if trainer.is_global_zero:
            _score_best(config, plain, output, data, trainer)
    finally:
        if claim:
            claim.adopt(_checkpoints(trainer, claim.folder))
        _close_wandb(trainer)
    score_of_best = getattr(best, "best_model_score", None)
    return None if score_of_best is None else float(score_of_best)


def _begin(system: System, plain: dict[str, Any], description: dict[str, Any]) -> None:
    """From the weights that the configuration names; what they have learned from is remembered."""
    part = system.gives_depth
    seen = begin(getattr(system, part), what_makes(part, plain))
    description["trained_on"] = sorted(seen.union(description["trained_on"]))


def _rank() -> int:
    return int(rank_zero_only.rank)  # type: ignore[attr-defined]


def _earlier(config: DictConfig) -> Earlier | None:
    """The run to go on with, when it is the output's own: its file, or what its checkpoint says."""
    path = own_checkpoint(config.output, config.checkpoint)
    if path is None:
        return None
    if config.overwrite:
        raise ConfigError("checkpoint= goes on with the run, overwrite=true replaces it: give one")
    return Earlier.of(Path(config.output)) or Earlier(saved_configuration(path), [])


def _check_resumed(
    plain: dict[str, Any], earlier: Earlier | None, saved: Progress, output: Path
) -> None:
    """Say what is gone on with, and refuse what would not be."""
    most = plain["trainer"]["max_epochs"]
    scored = (output / "metrics.json").is_file() and earlier
    if most is not None and 0 <= most < saved.epochs + bool(scored or not earlier):
        raise ConfigError(
            f"checkpoint={saved.path}: has its {saved.epochs} of {most} epochs; more are "
            f"trainer.max_epochs={2 * saved.epochs}, say"
        )
    if not _rank():
        steps = f"{saved.path}, after {saved.epochs} epochs, {saved.steps} steps"
        tell(steps, output, earlier, plain)


def _quieten() -> None:
    """Keep what libraries say about themselves from hiding what the run says."""
    for name in ("pytorch_lightning.utilities.rank_zero", "timm"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 on torch 2.15
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")  # data.workers
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")  # ours is
    warnings.filterwarnings("ignore", message="Checkpoint directory .* is not empty")  # resumed


def _require_options(plain: dict[str, Any]) -> None:
    mode_of(plain.get("check", "error"))
    for switch in ("compile", "flip"):
        require_switch(switch, plain[switch])
    require_number("seed", plain["seed"], 0, 2**32 - 1, whole=True)
    require_name(plain["name"])
    for name, least in COUNTS.items():
        if plain["trainer"].get(name) not in (None, ENDLESS.get(name)):
            require_number(f"trainer.{name}", plain["trainer"][name], least, whole=True)
    require_trainer(plain["trainer"])
    require_room_for_pairs(plain["data"])


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
        monitor = callback and callback.get("monitor")
        if monitor is not None and monitor not in system.monitors:
            raise ConfigError(
                f"callbacks.{name}.monitor={monitor} is never logged; choose "
                f"{', '.join(system.monitors)}"
            )


def _trainer(config: DictConfig, *more: pl.Callback) -> pl.Trainer:
    callbacks = [instantiate(one) for one in config.callbacks.values() if one is not None]
    require_checkpoint(callbacks)
    loggers = [instantiate(one) for one in config.logger.values()]
    begin_loggers(loggers)
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


def _resume_from(checkpoint: str | None, output: Path) -> Path | None:
    if checkpoint is None:
        return None
    last = output / "checkpoints" / "last.ckpt"
    path = last if checkpoint == "last" else Path(checkpoint)
    if not path.is_file():
        hint = "; give output=DIR of the run to go on with" if checkpoint == "last" else ""
        raise UserError(f"checkpoint={checkpoint}: no file {path}{hint}")
    return path


def _own_checkpoints(trainer: pl.Trainer, output: Path) -> list[str]:
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


def _score_best(
    config: DictConfig, plain: dict[str, Any], output: Path, data: StereoData, trainer: pl.Trainer
) -> None:
    folder = output / "checkpoints"
    monitored = [one for one in trainer.checkpoint_callbacks if getattr(one, "monitor", None)]
    paths = [Path(getattr(one, "best_model_path", "")).resolve() for one in monitored]
    ours = [path for path in paths if path.is_relative_to(output.resolve())]
    candidates = (*ours, folder / "best.ckpt", folder / "last.ckpt")
    best = next((path for path in candidates if path.is_file()), None)
    if best is None:
        raise ConfigError(
            "trainer: no checkpoint was written, nothing to score: no frame was trained on, or "
            "its options (limit_train_batches, fast_dev_run) keep it from writing one"
        )
    source = network_source(best, flip=config.flip, size=data.size)
    source.trained = None  # the test pairs are of this training's rig
    score(
        source,
        data.test,
        build_protocols(config),
        output,
        about={"checkpoint": str(best), **({"flip": True} if config.flip else {})},
        config=plain,
        train=data.train,
        curves=curves_of(best),
    )


def _checkpoints(trainer: pl.Trainer, folder: Path) -> list[str]:
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


def _close_wandb(trainer: pl.Trainer) -> None:
    for one in trainer.loggers:
        if isinstance(one, pl.loggers.WandbLogger):
            one.experiment.finish()
