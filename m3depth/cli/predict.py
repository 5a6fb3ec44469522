"""``m3depth predict``."""

import logging
from operator import length_hint
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.progress import track

from m3depth.cli.app import run_with_hydra
from m3depth.data.frames import open_frames
from m3depth.data.readers.rig_file import read_rig
from m3depth.errors import DataError
from m3depth.priors.files import write_prediction
from m3depth.priors.load import load

logger = logging.getLogger(__name__)


def main(overrides: list[str]) -> None:
    """Write depth, disparity, confidence and a picture for every frame."""
    run_with_hydra("predict", overrides, _predict)


def _predict(config: DictConfig) -> None:
    OmegaConf.resolve(config)
    rig = read_rig(Path(config.rig)) if config.rig else None
    predictor = load(config.checkpoint, config.device, rig, config.flip)
    if not predictor.rig.calibrated:
        logger.warning("no calibration: disparity only; depth in mm needs rig=PATH of a rig.yaml")
    output, frames, skipped = Path(config.output), open_frames(str(config.input)), 0
    written = 0
    for frame in track(frames, "predict", total=length_hint(frames) or None, transient=True):
        try:
            prior = predictor(frame.name, frame.image)
        except DataError as error:
            skipped += 1
            logger.warning("skipped: %s", error)
            continue
        write_prediction(prior, output / frame.name, config.near_mm, config.far_mm, config.ply)
        written += 1
    if not written:
        raise DataError(f"input={config.input}: not one of {skipped} frames could be read")
    logger.info("%d frames in %s, %d skipped", written, output.resolve(), skipped)
