"""``m3depth predict``."""

import logging
from collections.abc import Iterable, Iterator
from operator import length_hint
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from m3depth.cli.app import run_with_hydra
from m3depth.data.frames import Frame, Frames, open_frames
from m3depth.data.readers.rig_file import read_rig
from m3depth.data.video import VideoEndError
from m3depth.errors import DataError
from m3depth.options import require_number, require_switch
from m3depth.priors.files import write_prediction
from m3depth.priors.load import load
from m3depth.priors.pipeline import Behind, ahead, batched
from m3depth.priors.predictor import DepthPredictor, View, one_by_one
from m3depth.priors.prior import Unfinished
from m3depth.progress import progress

logger = logging.getLogger(__name__)


def main(overrides: list[str]) -> None:
    """Write depth, disparity, confidence and a picture for every frame."""
    run_with_hydra("predict", overrides, _predict)


def _predict(config: DictConfig) -> None:
    OmegaConf.resolve(config)
    require_switch("ply", config.ply)
    require_number("near_mm", config.near_mm, 0.1)
    require_number("far_mm", config.far_mm, config.near_mm)
    rig = read_rig(Path(config.rig)) if config.rig else None
    names = ("device", "flip", "batch_size", "precision", "tiles")
    options = {name: config[name] for name in names}
    predictor = load(config.checkpoint, rig=rig, **options)
    if not predictor.rig.calibrated:
        logger.warning("no calibration: disparity only; depth in mm needs rig=PATH of a rig.yaml")
    output, skipped, written = Path(config.output), 0, 0
    ended: VideoEndError | None = None
    with Behind() as behind:
        for prior in _priors(predictor, open_frames(str(config.input))):
            if isinstance(prior, VideoEndError):
                ended = prior
            elif isinstance(prior, DataError):
                skipped += 1
                logger.warning("skipped: %s", prior)
            else:
                behind(_write, prior, output, config.near_mm, config.far_mm, config.ply)
                written += 1
    if ended:
        raise DataError(f"{ended}; {output} holds the {written} frames before it")
    if not written:
        raise DataError(f"input={config.input}: not one of {skipped} frames could be read")
    logger.info("%d frames in %s, %d skipped", written, output.resolve(), skipped)


def _write(finish: Unfinished, output: Path, near_mm: float, far_mm: float, ply: bool) -> None:
    prior = finish()
    write_prediction(prior, output / prior.key, near_mm, far_mm, ply)


def _priors(predictor: DepthPredictor, frames: Frames) -> Iterator[Unfinished | DataError]:
    """Of all frames, in order but for those that cannot be read, which come sooner."""
    told = progress(frames, "predict", length_hint(frames) or None)
    unreadable: list[DataError] = []
    for views in batched(_views(predictor, told, unreadable), predictor.batch_size):
        yield from unreadable
        unreadable.clear()
        yield from one_by_one(predictor.begun, views)
    yield from unreadable


def _views(
    predictor: DepthPredictor, frames: Iterable[Frame], unreadable: list[DataError]
) -> Iterator[View]:
    def read(frame: Frame) -> View:
        image = frame.image
        return View(frame.name, image, small=predictor.small(image))

    for _, reading in ahead(read, frames):
        try:
            yield reading.result()
        except DataError as error:
            unreadable.append(error)
