"""``m3depth evaluate``."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import Dataset

from m3depth.cli.inputs import data_inputs
from m3depth.cli.scoring import build_protocols, score, score_checkpoint
from m3depth.errors import ConfigError, DataError
from m3depth.evaluation.doubts import unit_doubt
from m3depth.evaluation.folder import PredictionFolder
from m3depth.memory import image_bytes, pass_bytes, require_images, require_memory
from m3depth.networks.trained import TrainedModel, load_model
from m3depth.outputs.claim import Output
from m3depth.priors.trained_rig import TrainedRig
from m3depth.types import StereoBatch
from m3depth.validation import require_size, require_switch

logger = logging.getLogger(__name__)
COMPARED = 4  # the maps of a pair that is scored take as much as four images: both, two depths, ...


def evaluate(config: DictConfig) -> None:
    """Score a checkpoint, or another system's depth, on the test frames of a data set."""
    if (config.checkpoint is None) == (config.predictions is None):
        raise ConfigError(
            "give either checkpoint=PATH of m3depth train or predictions=DIR of another system"
        )
    if config.missing not in ("refuse", "skip"):
        raise ConfigError(f"missing={config.missing}: refuse or skip")
    require_switch("still_camera", config.still_camera)
    output = Output(
        config.output,
        "evaluate",
        inputs={"predictions": config.predictions, **data_inputs(config.data)},
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite,
        names=("metrics.json", "per_frame.csv", "report.html"),
    )
    with output.claimed():
        if config.checkpoint is None:
            _evaluate_folder(config)
        else:
            _evaluate_checkpoint(config)


def _evaluate_checkpoint(config: DictConfig) -> None:
    model = load_model(config.checkpoint)
    config.data.size = config.data.size or list(model.size)
    size = require_size("data.size", config.data.size)
    needed = image_bytes(size, COMPARED) + pass_bytes(model.network, size)
    require_memory(f"data.size={list(size)}", needed)
    data = instantiate(config.data)
    _tell_other_rig(model, data.test)
    score_checkpoint(
        model,
        data,
        build_protocols(config),
        Path(config.output),
        checkpoint=Path(config.checkpoint),
        config=_plain(config),
        device=config.device,
        flip=config.flip,
        still_camera=config.still_camera,
    )


def _tell_other_rig(model: TrainedModel, test: Dataset[StereoBatch]) -> None:
    """Depth in mm depends on the rig: say so when the first test frame is of another."""
    with suppress(DataError, IndexError):  # told when it is its turn
        sample = test[0]
        size = sample["left"].shape[-2], sample["left"].shape[-1]
        if told := TrainedRig(model.rig, model.size).difference(sample["rig"], size):
            logger.warning("%s", told)


def _evaluate_folder(config: DictConfig) -> None:
    """Without the mean of our training depths: the other system has training data of its own."""
    OmegaConf.resolve(config)
    require_images(config.data.size, COMPARED)
    folder = PredictionFolder(str(config.predictions), config.kind, config.scale)
    about = {"folder": str(config.predictions), "kind": config.kind, "scale": config.scale}
    score(
        folder,
        instantiate(config.data.test),
        build_protocols(config),
        Path(config.output),
        source={"predictions": about},
        config=_plain(config),
        doubt=lambda results: unit_doubt(results, config.scale, config.kind != "depth_mm"),
        skip_missing=config.missing == "skip",
        still_camera=config.still_camera,
    )
    if folder.unused:
        some = ", ".join(folder.unused[:3]) + (", ..." if len(folder.unused) > 3 else "")
        logger.warning("%d predictions match no test frame: %s", len(folder.unused), some)


def _plain(config: DictConfig) -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return plain  # type: ignore[no-any-return]
