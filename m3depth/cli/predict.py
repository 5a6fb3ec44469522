"""``m3depth predict``."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from operator import length_hint
from pathlib import Path

from jaxtyping import Float
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from m3depth.check.one_view import places_to_look_at, require_one_view
from m3depth.cli.source import build_source
from m3depth.errors import ConfigError, DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.files import write_json
from m3depth.io.input_frames import PREDICTIONS, InputFrame, InputFrames, open_frames
from m3depth.io.rig_file import RigFile, read_rig
from m3depth.io.video import VideoEndError
from m3depth.outputs.claim import Output
from m3depth.priors.files import arrays, write_prediction
from m3depth.priors.made import prior_of
from m3depth.priors.pictures.draw import draw
from m3depth.priors.pictures.scale import Range, depth_scale, disparity_scale, values_of
from m3depth.priors.pipeline import Behind, ahead
from m3depth.progress import progress
from m3depth.sources.source import Source
from m3depth.sources.together import batched, one_by_one
from m3depth.types import DepthMap, StereoBatch
from m3depth.validation import require_number, require_switch

Found = tuple[StereoBatch, DepthMap]

logger = logging.getLogger(__name__)


def predict(config: DictConfig) -> None:
    """Write depth, disparity, confidence and a picture for every frame."""
    OmegaConf.resolve(config)
    require_switch("ply", config.ply)
    if config.near_mm is not None:
        require_number("near_mm", config.near_mm, 0.1)
    if config.far_mm is not None:
        require_number("far_mm", config.far_mm, config.near_mm or 0.1)
    rig = read_rig(Path(config.rig)) if config.rig else None
    source = build_source(config)
    if source.needs:
        raise ConfigError(
            f"source: {source.model} needs {' and '.join(sorted(source.needs))} of each frame, and "
            "predict has images alone; export and evaluate take it, on data="
        )
    frames = open_frames(str(config.input))
    require_one_view(_some(frames), f"input={config.input}")
    output = Output(
        config.output,
        "predict",
        inputs={"input": config.input, "rig": config.rig, "predictions": config.predictions},
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite,
        renews=True,
        when_stopped=f"; {config.output} holds the frames before it, and not their pictures; the "
        "same command begins anew",
        names=_names(frames),
    )
    with output.claimed():
        _predict_all(config, source, frames, rig)


def _names(frames: InputFrames) -> tuple[str, ...]:
    """The files of pictures' frames; those of a video are not known before it is read."""
    if frames.frames_per_s is not None:
        return (PREDICTIONS,)
    kinds = (".npz", ".png", ".ply")
    return (PREDICTIONS, *(f"{frame.name}{kind}" for frame in frames for kind in kinds))


def _predict_all(
    config: DictConfig, source: Source, frames: InputFrames, rig: RigFile | None
) -> None:
    output = Path(config.output)
    numbers = _Numbers(output, config.ply)
    with Behind() as behind:
        for found in _found(source, frames, rig):
            numbers.take(found, behind)
    if numbers.written:
        _draw(config, frames, numbers)
    if numbers.ended:
        count = len(numbers.written)
        raise DataError(f"{numbers.ended}; {output} holds the {count} frames before it")
    if not numbers.written:
        raise DataError(f"input={config.input}: not one of {numbers.skipped} frames could be read")
    counts = (len(numbers.written), output.resolve(), numbers.skipped)
    logger.info("%d frames in %s, %d skipped", *counts)


class _Numbers:
    """The frames that were written, and the range of their depth."""

    def __init__(self, output: Path, ply: bool) -> None:
        self.output, self.ply = output, ply
        self.range = Range()
        self.written: list[str] = []
        self.skipped = 0
        self.in_millimetres = True
        self.ended: VideoEndError | None = None

    def take(self, found: Found | DataError, behind: Behind) -> None:
        """Write a frame, or say why there is none."""
        if isinstance(found, VideoEndError):
            self.ended = found
        elif isinstance(found, DataError):
            self.skipped += 1
            logger.warning("skipped: %s", found)
        else:
            behind(self._write, *found)

    def _write(self, sample: StereoBatch, found: DepthMap) -> None:
        prior = prior_of(sample, found)
        write_prediction(prior, self.output / prior.key, self.ply)
        self.range.add(values_of(arrays(prior)), prior.image.numpy())
        self.written.append(prior.key)
        self.in_millimetres = prior.in_millimetres


def _draw(config: DictConfig, frames: InputFrames, numbers: _Numbers) -> None:
    """The pictures, on one range of colours, which is told and kept."""
    asked = config.near_mm, config.far_mm
    if numbers.in_millimetres:
        scale = depth_scale(numbers.range, *asked)
    else:
        logger.warning("no calibration: disparity only; depth in mm needs rig=PATH of a rig.yaml")
        scale = disparity_scale(numbers.range)
        if any(asked):
            logger.warning("near_mm and far_mm are not used: without a calibration no depth in mm")
    far, near = (scale.ticks[place].label for place in (0, -1))
    chosen = scale.record["chosen_by"]
    logger.info("colours: %s, %s is red, %s blue (%s)", scale.title, near, far, chosen)
    count = len(numbers.written)
    title = f"{config.input}: {count} frames, {numbers.skipped} skipped"
    draw(frames, numbers.written, numbers.output, scale, title)
    told = {"input": str(config.input), "checkpoint": str(config.checkpoint), "frames": count}
    told |= {"skipped": numbers.skipped, "colours": dict(scale.record)}
    write_json(numbers.output / PREDICTIONS, told)


def _some(frames: InputFrames) -> Iterator[tuple[str, Float[Tensor, "3 h w"]]]:
    """A few that can be read, to look at before the work begins."""
    wanted = places_to_look_at(length_hint(frames))
    for place, frame in enumerate(islice(frames, wanted[-1] + 1)):
        if place in wanted:
            with suppress(DataError):  # told when it is its turn
                yield frame.name, frame.image


def _found(source: Source, frames: InputFrames, rig: RigFile | None) -> Iterator[Found | DataError]:
    """Of all frames, in order but for those that cannot be read, which come sooner."""

    def predict(samples: Sequence[StereoBatch]) -> list[Found]:
        return list(zip(samples, source(samples), strict=True))

    told = progress(frames, "predict", length_hint(frames) or None)
    unreadable: list[DataError] = []
    for samples in batched(_samples(source, told, rig, unreadable), source.batch_size):
        yield from unreadable
        unreadable.clear()
        yield from one_by_one(predict, samples)
    yield from unreadable


def _samples(
    source: Source, frames: Iterable[InputFrame], rig: RigFile | None, unreadable: list[DataError]
) -> Iterator[StereoBatch]:
    def read(frame: InputFrame) -> StereoBatch:
        sample: StereoBatch = {"key": frame.name, "left": frame.image}
        if rig is not None:
            sample["rig"] = rig.at(size_of(sample["left"]), frame.name)
        return source.ahead(sample)

    for _, reading in ahead(read, frames):
        try:
            yield reading.result()
        except DataError as error:
            unreadable.append(error)
