"""``m3depth export``."""

import hashlib
import logging
from dataclasses import replace
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.progress import track

from m3depth.cli.app import run_with_hydra
from m3depth.errors import DataError
from m3depth.priors.load import load
from m3depth.priors.pipeline import Behind, ahead
from m3depth.priors.predictor import DepthPredictor
from m3depth.priors.prior import DepthPrior
from m3depth.priors.shard import Shard
from m3depth.priors.writers.writer import Writer
from m3depth.types import StereoBatch

logger = logging.getLogger(__name__)


def main(overrides: list[str]) -> None:
    """Write the test frames of a data set, with their depth, for a splatting pipeline."""
    run_with_hydra("export", overrides, _export)


def _export(config: DictConfig) -> None:
    shard = Shard.parse(str(config.shard))
    predictor = load(config.checkpoint, config.device, flip=config.flip)
    OmegaConf.resolve(config)
    frames = instantiate(config.data.test)
    checkpoint = Path(config.checkpoint)
    writer = instantiate(
        config.writer,
        model=f"m3depth {checkpoint.name}",
        checkpoint_sha256=hashlib.sha256(checkpoint.read_bytes()).hexdigest(),
    )
    shares = track(shard.of(len(frames)), "export", transient=True)
    with Behind() as behind:
        for index, reading in ahead(frames.__getitem__, shares):
            key = f"frame {index}"
            try:
                sample: StereoBatch = reading.result()
                key = str(sample["key"])
                if not writer.done(index, key):
                    behind(_write, writer, index, _prior(predictor, sample))
            except DataError as error:
                behind(_skip, writer, index, key, error)
    missing = writer.finish(len(frames))
    if missing:
        logger.info("%d of %d frames are still to be written", len(missing), len(frames))
    else:
        logger.info("%d frames in %s", len(frames), Path(config.output).resolve())


def _write(writer: Writer, index: int, prior: DepthPrior) -> None:
    try:
        writer.write(index, prior)
    except DataError as error:
        _skip(writer, index, prior.key, error)


def _skip(writer: Writer, index: int, key: str, error: DataError) -> None:
    writer.skip(index, key, str(error))
    logger.warning("skipped: %s", error)


def _prior(predictor: DepthPredictor, sample: StereoBatch) -> DepthPrior:
    prior = predictor(str(sample["key"]), sample["left"], sample["rig"])
    prior.require_millimetres()
    pose = sample.get("camera_to_world", torch.eye(4))
    use = ~sample["tool"] if "tool" in sample else sample.get("mask")
    return replace(prior, camera_to_world=pose, use=use)
