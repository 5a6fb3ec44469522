"""``m3depth export``."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hydra.utils import instantiate
from jaxtyping import Float
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from m3depth.check.one_view import places_to_look_at, require_one_view
from m3depth.cli.inputs import data_inputs
from m3depth.cli.source import build_source
from m3depth.errors import ConfigError, DataError
from m3depth.io.video import VideoEndError
from m3depth.memory import require_images
from m3depth.outputs.output import Output
from m3depth.priors.edits import require_unedited
from m3depth.priors.exporting import Export, Frames
from m3depth.priors.records import recorded
from m3depth.priors.shard import Shard
from m3depth.priors.smoothing import TemporalMean

logger = logging.getLogger(__name__)


def export(config: DictConfig) -> None:
    """Write the test frames of a data set, with their depth, for a splatting pipeline."""
    shard = Shard.parse(str(config.shard))
    alone = shard.step == 1
    if config.overwrite and not alone:
        raise ConfigError(
            "overwrite=true with shard=: each process would remove what the others write; choose "
            "another output=, or export without shard="
        )
    require_images(config.data.size, 3)  # the image, its depth and their records
    source = build_source(config)
    for part in (config.data, config.writer):
        OmegaConf.resolve(part)
    if not config.overwrite:
        require_unedited(Path(config.output))
    frames = instantiate(config.data.test)
    smoothing: TemporalMean = instantiate(config.smoothing)
    writer = instantiate(
        config.writer,
        model=f"{source.model} {smoothing}" if smoothing.radius else source.model,
        checkpoint_sha256=source.checkpoint_sha256,
        asked_size=config.data.size,
        _convert_="all",
    )
    require_one_view(_monocular(frames), f"data.root={config.data.get('root')}")
    output = Output(
        config.output,
        "export",
        inputs={
            "predictions": config.predictions,
            "pairs": config.pairs,
            **data_inputs(config.data),
        },
        needs={"checkpoint": OmegaConf.select(config, "checkpoint")},
        overwrite=config.overwrite,
        goes_on=not config.overwrite,
        when_stopped=f"; the same command with output={config.output} goes on where it was",
        share="" if alone else str(config.shard),
    )
    with output.claimed() as claim:
        claim.adopt(recorded(Path(config.output)))
        claim.require_free(writer.scene_names())
        claim.replace()
        _write(config, Export(source, writer, smoothing), frames, shard)


def _write(config: DictConfig, export: Export, frames: Frames, shard: Shard) -> None:
    export.agree(frames, shard.others(len(frames)))
    try:
        export(frames, shard.of(len(frames)))
    except VideoEndError as error:
        raise DataError(
            f"{error}; {config.output} holds the frames before it and is not complete"
        ) from error
    export.agree(
        frames, shard.others(len(frames))
    )  # processes that began together could not see each other's
    missing = export.writer.finish(len(frames))
    if missing:
        logger.info("%d of %d frames are still to be written", len(missing), len(frames))
    else:
        written, where = len(frames) - export.skipped, Path(config.output).resolve()
        logger.info("%d frames in %s, %d skipped", written, where, export.skipped)


def _monocular(frames: Frames) -> Iterator[tuple[str, Float[Tensor, "3 h w"]]]:
    """A few readable frames without a right view, which may show both views."""
    for place in places_to_look_at(len(frames)):
        with suppress(DataError):  # reported when the frame is exported
            sample = frames[place]
            if "right" not in sample:
                yield str(sample["key"]), sample["left"]
