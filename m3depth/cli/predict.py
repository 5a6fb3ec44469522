"""``m3depth predict``."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from operator import length_hint
from pathlib import Path
from statistics import median
from typing import Any

from jaxtyping import Float
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from m3depth.check.one_view import places_to_look_at, require_one_view
from m3depth.cli.anchoring import anchored
from m3depth.cli.source import build_source, origin
from m3depth.errors import ConfigError, DataError
from m3depth.geometry.confidence import SCALE_MEANING
from m3depth.io.files import write_json
from m3depth.io.input_frames import PREDICTIONS, InputFrames, open_frames
from m3depth.io.rig_file import RigFile, read_rig
from m3depth.outputs.output import Output
from m3depth.priors.pictures.draw import draw
from m3depth.priors.predicting import Predictions
from m3depth.sources.source import Source
from m3depth.validation import require_number, require_switch

INPUTS = ("input", "rig", "predictions", "anchor", "pairs")

logger = logging.getLogger(__name__)


def predict(config: DictConfig) -> None:
    """Write depth, disparity, confidence and a picture for every frame."""
    OmegaConf.resolve(config)
    require_switch("ply", config.ply)
    if config.near_mm is not None:
        require_number("near_mm", config.near_mm, 0.1)
    if config.far_mm is not None:
        require_number("far_mm", config.far_mm, config.near_mm or 0.1)
    given = str(config.input)  # that it is missing is said before a network is loaded
    rig = read_rig(Path(config.rig)) if config.rig else None
    source = build_source(config)
    if source.needs:
        raise ConfigError(
            f"source: {source.model} needs {' and '.join(sorted(source.needs))} of each frame, and "
            "predict has images alone; export and evaluate take it, on data="
        )
    frames = open_frames(given)
    require_one_view(_some(frames), f"input={given}")
    output = Output(
        config.output,
        "predict",
        inputs={key: config[key] for key in INPUTS},
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite,
        renews=True,
        when_stopped=f"; {config.output} holds the frames before it, and not their pictures; the "
        "same command begins anew",
        names=_names(frames),
    )
    with output.claimed():
        source = anchored(config, source, frames, rig)
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
    found = Predictions(output, config.ply)
    found(source, frames, rig)
    count = len(found.written)
    if count:
        _draw(config, source, frames, found)
    if found.ended:
        raise DataError(f"{found.ended}; {output} holds the {count} frames before it")
    if not count:
        raise DataError(f"input={config.input}: not one of {found.skipped} frames could be read")
    logger.info("%d frames in %s, %d skipped", count, output.resolve(), found.skipped)


def _draw(config: DictConfig, source: Source, frames: InputFrames, found: Predictions) -> None:
    """The pictures, all on one range of colours, which is logged and kept."""
    asked, count = (config.near_mm, config.far_mm), len(found.written)
    if any(asked) and not found.in_millimetres:
        logger.warning("near_mm and far_mm are not used: the depth is not known in mm")
    if not (found.relative or found.in_millimetres):
        logger.warning("no calibration: disparity only; depth in mm needs rig=PATH of a rig.yaml")
    scale = found.colours(*asked)
    far, near = (scale.ticks[place].label for place in (0, -1))
    chosen = scale.record["chosen_by"]
    logger.info("colours: %s, %s is red, %s blue (%s)", scale.title, near, far, chosen)
    title = f"{config.input}: {count} frames, {found.skipped} skipped"
    draw(frames, found.written, found.output, scale, title)
    record = {"input": str(config.input), **origin(config, source), "frames": count}
    record |= {"skipped": found.skipped, "colours": dict(scale.record)}
    if found.in_millimetres and "millimetres" not in record:
        record["millimetres"] = {"from": _known_from(config, source, found)}
    write_json(found.output / PREDICTIONS, record | _deviation(found.deviations))


def _deviation(told: Sequence[float]) -> dict[str, Any]:
    """How surely the frames' scales are known; nothing where the source does not say."""
    if not told:
        return {}
    most = {"median": median(told), "largest": max(told)}
    return {"scale_deviation": {"kind": SCALE_MEANING, **most}}


def _known_from(config: DictConfig, source: Source, found: Predictions) -> str:
    """What depth has its millimetres from."""
    if not found.by_rig:
        return f"the depth of {source.model or config.checkpoint}"
    return f"disparity, by {config.rig or 'the rig that the network was trained with'}"


def _some(frames: InputFrames) -> Iterator[tuple[str, Float[Tensor, "3 h w"]]]:
    """A few readable frames, to look at before the work begins."""
    wanted = places_to_look_at(length_hint(frames))
    for place, frame in enumerate(islice(frames, wanted[-1] + 1)):
        if place in wanted:
            with suppress(DataError):  # reported when the frame is predicted
                yield frame.name, frame.image
