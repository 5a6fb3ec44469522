"""``m3depth train``."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from hydra.utils import instantiate
from lightning_fabric.utilities.rank_zero import rank_zero_only
from omegaconf import DictConfig, OmegaConf
from torch import nn

from m3depth.adaptation.calibration import tell_scale_deviation
from m3depth.check.require_fit import require_fit
from m3depth.cli.before_training import (
    require_monitors,
    require_options,
    require_truth_in_range,
    try_network,
    try_optimizer,
)
from m3depth.cli.camera_scores import checkpoint_motion
from m3depth.cli.changes import refuse_changes
from m3depth.cli.hold_out import describe_hold_out, settle_hold_out
from m3depth.cli.inputs import data_inputs
from m3depth.cli.resume import (
    Earlier,
    log_resumed,
    own_configuration,
    save_config,
    stopped_with_advice,
)
from m3depth.cli.resumed_training import checkpoint_to_resume, earlier_run, require_more
from m3depth.cli.scoring import build_protocols, curves_of, score
from m3depth.cli.trainer import (
    best_checkpoint,
    close_wandb,
    make_trainer,
    own_checkpoints,
    quieten,
    written_checkpoints,
)
from m3depth.data.module import StereoData
from m3depth.networks.configuration import what_makes
from m3depth.networks.start import begin
from m3depth.outputs.claim import Claim
from m3depth.outputs.output import Output
from m3depth.sources.checkpoint import network_source
from m3depth.systems.base import System
from m3depth.systems.build import build_system
from m3depth.systems.callbacks import DescribeCheckpoint
from m3depth.systems.checkpoint import check_resumable, describe
from m3depth.systems.resuming import ResumeAsConfigured
from m3depth.systems.stopping import CheckpointWhenStopped

FILES = (
    *("config.yaml", "metrics.csv", "metrics.json", "per_frame.csv", "report.html"),
    *("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
)
FIXED = ("network", "system", "optimizer._target_")  # a checkpoint's weights belong to these
FREE = ("network.initial_disparity", "network.pretrained", "network.start")  # of the start alone
logger = logging.getLogger(__name__)


def train(config: DictConfig) -> float | None:
    """One run, from configuration to report.

    Returns:
        The best value of the monitored metric, for the table of a multirun.
    """
    quieten()
    earlier = earlier_run(config)
    if earlier:
        config = own_configuration(config, earlier)
    settle_hold_out(config.data)
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if earlier:
        refuse_changes(earlier.config, plain, FIXED, FREE)
    require_options(plain)
    if _rank():  # the first process of the run owns its output, and writes the messages
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
    with output.claimed() as claim, stopped_with_advice("train", Path(config.output)):
        return _trained(config, plain, earlier, claim)


def _trained(
    config: DictConfig, plain: dict[str, Any], earlier: Earlier | None, claim: Claim | None
) -> float | None:
    """Everything is made and checked before the first file is written."""
    output, checkpoint = Path(config.output), checkpoint_to_resume(config)
    pl.seed_everything(config.seed, workers=True, verbose=False)
    system = build_system(config)  # first: weights that are missing are told before scenes are made
    data: StereoData = instantiate(config.data)
    require_fit(data, config.get("check", "error"))
    if line := describe_hold_out(config.data):
        logger.info(line)
    _check_system(system, config, data)
    description = describe(plain, system, data)
    seen = _weights(system, plain, earlier, checkpoint, output)
    description["trained_on"] = sorted(seen.union(description["trained_on"]))
    stop = CheckpointWhenStopped(output / "checkpoints" / "last.ckpt")
    own = output / "checkpoints" if earlier else None
    resumes = [ResumeAsConfigured(plain["optimizer"], own)] if checkpoint else []
    trainer = make_trainer(config, DescribeCheckpoint(description), stop, *resumes)
    own_files = own_checkpoints(trainer, output)
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
        if trainer.is_global_zero:
            _score_best(config, plain, data, trainer)
    finally:
        if claim:
            claim.adopt(written_checkpoints(trainer, claim.folder))
        close_wandb(trainer)
    score_of_best = getattr(trainer.checkpoint_callback, "best_model_score", None)
    return None if score_of_best is None else float(score_of_best)


def _check_system(system: System, config: DictConfig, data: StereoData) -> None:
    """Stop where a pass of its network, its optimizer or its monitors would not work."""
    data.needs = system.needs
    network = getattr(system, system.gives_depth)
    protocols = build_protocols(config)
    try_network(network, data, protocols)
    require_truth_in_range(data.test, protocols[0])
    try_optimizer(system)
    require_monitors(config, system)
    if config.compile:
        _compile(network)


def _weights(
    system: System,
    plain: dict[str, Any],
    earlier: Earlier | None,
    checkpoint: Path | None,
    output: Path,
) -> frozenset[str]:
    """Begin with the network's weights, or check that a checkpoint's fit; what they have seen."""
    if checkpoint is None:
        network = getattr(system, system.gives_depth)
        return begin(network, what_makes(system.gives_depth, plain))
    saved = check_resumable(checkpoint, system)
    require_more(plain, earlier, saved, output)
    if not _rank():
        where = f"{checkpoint}, after {saved.epochs} epochs, {saved.steps} steps"
        log_resumed(where, output, earlier, plain)
    return saved.trained_on  # with other data now, the weights have still learned from those


def _rank() -> int:
    return int(rank_zero_only.rank)  # type: ignore[attr-defined]


def _compile(network: nn.Module) -> None:
    # with channels last torch's compiler is wrong about the layout of the padding's gradient
    network.to(memory_format=torch.contiguous_format)
    network.compile(options={"layout_optimization": False})


def _score_best(
    config: DictConfig, plain: dict[str, Any], data: StereoData, trainer: pl.Trainer
) -> None:
    best = best_checkpoint(trainer, Path(config.output))
    tell_scale_deviation(best, data.val)
    source = network_source(best, flip=config.flip, size=data.size)
    source.trained = None  # the test pairs are of this training's rig
    system: Any = trainer.lightning_module
    score(
        source,
        data.test,
        build_protocols(config),
        Path(config.output),
        about={"checkpoint": str(best), **({"flip": True} if config.flip else {})},
        config=plain,
        train=data.train,
        curves=curves_of(best),
        motion=checkpoint_motion(best, "auto"),
        doubt=lambda _: system.doubt,
    )
