"""``m3depth evaluate``."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.cli.camera_scores import checkpoint_motion
from m3depth.cli.inputs import data_inputs
from m3depth.cli.scoring import build_protocols, curves_of, score
from m3depth.cli.source import build_source, origin
from m3depth.data.module import StereoData
from m3depth.errors import ConfigError
from m3depth.evaluation.doubts import unit_doubt
from m3depth.evaluation.result import Result
from m3depth.io.listing import first_of
from m3depth.memory import require_images
from m3depth.outputs.output import Output
from m3depth.reconstruction.motion.contract import MotionSource
from m3depth.reconstruction.motion.file import FileMotion
from m3depth.sources.folder import FolderSource
from m3depth.sources.source import Source
from m3depth.validation import require_switch

logger = logging.getLogger(__name__)
COMPARED = 4  # the maps of a pair that is scored take as much as four images: both, two depths, ...


def evaluate(config: DictConfig) -> None:
    """Score a source of depth on the test frames of a data set."""
    if config.missing not in ("refuse", "skip"):
        raise ConfigError(f"missing={config.missing}: refuse or skip")
    require_switch("still_camera", config.still_camera)
    output = Output(
        config.output,
        "evaluate",
        inputs={
            "predictions": config.predictions,
            "pairs": config.pairs,
            "poses": config.poses,
            **data_inputs(config.data),
        },
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite,
        names=("metrics.json", "per_frame.csv", "report.html"),
    )
    with output.claimed():
        _evaluate(config)


def _evaluate(config: DictConfig) -> None:
    require_images(config.data.size, COMPARED)
    source = build_source(config, size=config.data.size)
    if config.data.size is None and source.size is not None:
        config.data.size = list(source.size)
    OmegaConf.resolve(config)
    trained = bool(source.checkpoint_sha256)
    data: StereoData | None = instantiate(config.data) if trained else None
    score(
        source,
        data.test if data else instantiate(config.data.test),
        build_protocols(config),
        Path(config.output),
        about=origin(config, source) | ({"flip": True} if trained and config.flip else {}),
        config=_plain(config),
        # the mean of our training depths is no baseline for another system's
        train=data.train if data else None,
        curves=curves_of(config.checkpoint) if trained else None,
        doubt=lambda results: _unit_doubt(results, source),
        motion=_motion(config, trained),
        skip_missing=config.missing == "skip",
        still_camera=config.still_camera,
    )
    if isinstance(source, FolderSource) and source.unused:
        some = len(source.unused), first_of(source.unused)
        logger.warning("%d predictions match no test frame: %s", *some)


def _motion(config: DictConfig, trained: bool) -> MotionSource | None:
    """Of the file that is given, else the checkpoint's, if it has one."""
    if config.poses is not None:
        return FileMotion(config.poses, config.poses_unit_mm)
    own = trained and config.checkpoint is not None
    return checkpoint_motion(config.checkpoint, config.device) if own else None


def _unit_doubt(results: Sequence[Result], source: Source) -> str:
    """Files may be in any unit; a network's depth is in millimetres."""
    if not isinstance(source, FolderSource):
        return ""
    return unit_doubt(results, source.scale, source.kind != "depth_mm")


def _plain(config: DictConfig) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return plain  # type: ignore[no-any-return]
