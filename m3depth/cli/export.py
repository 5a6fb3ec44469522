"""``m3depth export``."""

import logging
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.progress import track

from m3depth.cli.app import run_with_hydra
from m3depth.errors import DataError
from m3depth.priors.pipeline import Behind, ahead
from m3depth.priors.prior import DepthPrior
from m3depth.priors.shard import Shard
from m3depth.priors.sources import Source, completed
from m3depth.priors.writers.writer import Writer
from m3depth.types import StereoBatch

logger = logging.getLogger(__name__)


def main(overrides: list[str]) -> None:
    """Write the test frames of a data set, with their depth, for a splatting pipeline."""
    run_with_hydra("export", overrides, _export)


def _export(config: DictConfig) -> None:
    shard = Shard.parse(str(config.shard))
    source: Source = instantiate(config.source)
    for part in (config.data, config.writer):
        OmegaConf.resolve(part)
    frames = instantiate(config.data.test)
    writer = instantiate(
        config.writer, model=source.model, checkpoint_sha256=source.checkpoint_sha256
    )
    shares = track(shard.of(len(frames)), "export", transient=True)
    with Behind() as behind:
        for index, reading in ahead(frames.__getitem__, shares):
            key = f"frame {index}"
            try:
                sample: StereoBatch = reading.result()
                key = str(sample["key"])
                if not writer.done(index, key):
                    behind(_write, writer, index, completed(source(sample), sample))
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
