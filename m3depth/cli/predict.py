"""``m3depth predict``."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from operator import length_hint
from pathlib import Path

from jaxtyping import Float
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from m3depth.check.one_view import places_to_look_at, require_one_view
from m3depth.errors import DataError
from m3depth.io.files import write_json
from m3depth.io.input_frames import PREDICTIONS, InputFrame, InputFrames, open_frames
from m3depth.io.rig_file import read_rig
from m3depth.io.video import VideoEndError
from m3depth.outputs.claim import Output
from m3depth.priors.files import arrays, write_prediction
from m3depth.priors.load import load
from m3depth.priors.pictures.draw import draw
from m3depth.priors.pictures.scale import Range, depth_scale, disparity_scale, values_of
from m3depth.priors.pipeline import Behind, ahead, batched
from m3depth.priors.predictor import DepthPredictor, View, one_by_one
from m3depth.priors.prior import Unfinished
from m3depth.progress import progress
from m3depth.validation import require_number, require_switch

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
    names = ("device", "flip", "batch_size", "precision", "tiles")
    options = {name: config[name] for name in names}
    predictor = load(config.checkpoint, rig=rig, **options)
    frames = open_frames(str(config.input))
    require_one_view(_some(frames), f"input={config.input}")
    output = Output(
        config.output,
        "predict",
        inputs={"input": config.input, "rig": config.rig},
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite,
        renews=True,
        when_stopped=f"; {config.output} holds the frames before it, and not their pictures; the "
        "same command begins anew",
        names=_names(frames),
    )
    with output.claimed():
        _predict_all(config, predictor, frames)


def _names(frames: InputFrames) -> tuple[str, ...]:
    """The files of pictures' frames; those of a video are not known before it is read."""
    if frames.frames_per_s is not None:
        return (PREDICTIONS,)
    kinds = (".npz", ".png", ".ply")
    return (PREDICTIONS, *(f"{frame.name}{kind}" for frame in frames for kind in kinds))


def _predict_all(config: DictConfig, predictor: DepthPredictor, frames: InputFrames) -> None:
    output = Path(config.output)
    numbers = _Numbers(output, config.ply)
    with Behind() as behind:
        for prior in _priors(predictor, frames):
            numbers.take(prior, behind)
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

    def take(self, prior: Unfinished | DataError, behind: Behind) -> None:
        """Write a frame, or tell why there is none."""
        if isinstance(prior, VideoEndError):
            self.ended = prior
        elif isinstance(prior, DataError):
            self.skipped += 1
            logger.warning("skipped: %s", prior)
        else:
            behind(self._write, prior)

    def _write(self, finish: Unfinished) -> None:
        prior = finish()
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


def _priors(predictor: DepthPredictor, frames: InputFrames) -> Iterator[Unfinished | DataError]:
    """Of all frames, in order but for those that cannot be read, which come sooner."""
    told = progress(frames, "predict", length_hint(frames) or None)
    unreadable: list[DataError] = []
    for views in batched(_views(predictor, told, unreadable), predictor.batch_size):
        yield from unreadable
        unreadable.clear()
        yield from one_by_one(predictor.begun, views)
    yield from unreadable


def _views(
    predictor: DepthPredictor, frames: Iterable[InputFrame], unreadable: list[DataError]
) -> Iterator[View]:
    def read(frame: InputFrame) -> View:
        image = frame.image
        return View(frame.name, image, small=predictor.small(image))

    for _, reading in ahead(read, frames):
        try:
            yield reading.result()
        except DataError as error:
            unreadable.append(error)
