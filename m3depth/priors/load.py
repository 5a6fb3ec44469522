"""From a checkpoint to a predictor."""

import logging
from pathlib import Path

import torch

from m3depth.device import pick_device
from m3depth.errors import ConfigError
from m3depth.memory import FLOAT, image_bytes, pass_bytes, require_memory
from m3depth.networks.finest import Finest
from m3depth.networks.tiled import canvas, in_tiles
from m3depth.networks.trained import TrainedModel, load_model
from m3depth.priors.asking import Rig, rig_file
from m3depth.priors.predictor import DepthPredictor
from m3depth.priors.trained_rig import TrainedRig
from m3depth.validation import require_number

MOST_TILES = 16  # a side: of a network of 128x160, 1568x1960 pixels

logger = logging.getLogger(__name__)


def load(
    checkpoint: str | Path,
    device: str = "auto",
    rig: Rig | None = None,
    flip: bool = False,
    batch_size: int = 1,
    precision: str | int = "32",
    tiles: object = 1,
) -> DepthPredictor:
    """A predictor for the network in ``checkpoint``.

    Args:
        checkpoint: of ``m3depth train``.
        device: ``auto`` is the GPU where there is one.
        rig: of the camera whose images will come, as the path of a rig.yaml, a dict of its entries
            or what `read_rig` gave; without it, the one that was trained with.
        flip: average over the image and its mirror image: better, and twice the time.
        batch_size: how many images every pass of the network sees.
        precision: 32, 16-mixed or bf16-mixed, of the network's own arithmetic.
        tiles: a side, that the network sees beside the whole image, for large ones; see `Tiled`.

    Raises:
        UserError: the checkpoint or the rig cannot be read.
        ConfigError: a setting is out of range.
    """
    own = rig_file(rig)
    model = load_model(checkpoint)
    where = torch.device(pick_device(device))
    require_number("batch_size", batch_size, 1, whole=True)
    require_number("tiles", tiles, 1, whole=True)
    _require_passes(int(str(tiles)), flip)
    _require_memory(model, batch_size, int(str(tiles)), where)
    finest = Finest(model.network, flip, precision)
    network, size = in_tiles(finest, model.size, tiles)
    known, rig_size = (own.rig, own.size) if own else (model.rig, model.size)
    trained = TrainedRig(model.rig, model.size)
    return DepthPredictor(network.to(where), size, known, rig_size, where, batch_size, trained)


def _require_passes(tiles: int, flip: bool) -> None:
    """Tell what tiles cost; beyond `MOST_TILES` they are smaller than any camera's pixels."""
    passes = (tiles**2 + 1) * (2 if flip else 1)
    if tiles > MOST_TILES:
        raise ConfigError(
            f"tiles={tiles}: would need {passes:,} passes of the network for each image, to look "
            f"at more pixels than cameras have; choose {MOST_TILES} at most (2 is usual)"
        )
    if tiles > 1:
        logger.info("tiles=%d: %d passes of the network for each image", tiles, passes)


def _require_memory(model: TrainedModel, batch_size: int, tiles: int, where: torch.device) -> None:
    """Of the images that every pass is filled up to, the network's maps, and what tiles make."""
    least = image_bytes(model.size) + pass_bytes(model.network, model.size) // 2  # mixed: halves
    if tiles > 1:
        height, width = canvas(model.size, tiles)
        parts = tiles**2 * model.size[0] * model.size[1] * FLOAT
        whole = batch_size * (image_bytes((height, width)) + 6 * parts) + parts
        require_memory(f"tiles={tiles}", whole, where)
        least += whole // batch_size
    require_memory(f"batch_size={batch_size}", batch_size * least, where)
