"""From a checkpoint to a source of depth."""

import hashlib
import logging
from pathlib import Path

import torch

from m3depth.device import pick_device
from m3depth.errors import ConfigError
from m3depth.io.rig_file import RigFile
from m3depth.memory import FLOAT, image_bytes, pass_bytes, require_memory
from m3depth.networks.finest import Finest
from m3depth.networks.tiled import canvas, in_tiles
from m3depth.networks.trained import TrainedModel, load_model
from m3depth.sources.network import NetworkSource
from m3depth.sources.trained_rig import TrainedRig
from m3depth.validation import require_number

MOST_TILES = 16  # a side: of a network of 128x160, 1568x1960 pixels

logger = logging.getLogger(__name__)


def network_source(
    checkpoint: str | Path,
    device: str = "auto",
    rig: RigFile | None = None,
    flip: bool = False,
    batch_size: int = 1,
    precision: str | int = "32",
    tiles: object = 1,
    size: tuple[int, int] | None = None,
) -> NetworkSource:
    """The network in ``checkpoint`` as a source.

    Args:
        checkpoint: Of ``m3depth train``.
        device: ``auto`` is the GPU where there is one.
        rig: Of the camera whose images come without one; without it, the one of training.
        flip: Average over the image and its mirror image: better, and twice the time.
        batch_size: How many images every pass of the network sees.
        precision: 32, 16-mixed or bf16-mixed, of the network's own arithmetic.
        tiles: Parts per side of a large image that the network sees, too; see `Tiled`.
        size: (height, width) that the network sees; None is that of training. With tiles it is
            always that of training.

    Raises:
        UserError: the checkpoint cannot be read.
        ConfigError: a setting is out of range.
    """
    if not checkpoint:
        raise ConfigError("source=network needs checkpoint=PATH of m3depth train")
    model, where = load_model(checkpoint), torch.device(pick_device(device))
    require_number("batch_size", batch_size, 1, whole=True)
    require_number("tiles", tiles, 1, whole=True)
    side = int(str(tiles))
    _require_passes(side, flip)
    own = (size[0], size[1]) if size is not None and side == 1 else model.size
    _require_memory(model, own, batch_size, side, where)
    finest = Finest(model.network, flip, precision, model.deviation)
    network, seen = in_tiles(finest, own, tiles)
    known, rig_size = (rig.rig, rig.size) if rig else (model.rig, model.size)
    path = Path(checkpoint)
    options = {"flip": flip, "precision": precision, "tiles": tiles}
    return NetworkSource(
        *(network.to(where), seen, known, rig_size, where, batch_size),
        trained=TrainedRig(model.rig, model.size),
        model=" ".join(["m3depth", path.name, *changed(options)]),
        checkpoint_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        trained_on=model.trained_on,
    )


def changed(options: dict[str, object]) -> list[str]:
    """The options that change the depth, where they are not the usual ones.

    An export records them, and does not go on with others.

    >>> changed({"flip": True, "precision": "32-true", "tiles": 1})
    ['flip=True']
    """
    usual = {"flip": "False", "precision": "32", "tiles": "1"}
    # "32-true" is what Lightning calls 32
    given = {name: str(value).removesuffix("-true") for name, value in options.items()}
    return [f"{name}={value}" for name, value in given.items() if value != usual[name]]


def _require_passes(tiles: int, flip: bool) -> None:
    """Report the cost of tiles, and refuse more than `MOST_TILES`."""
    passes = (tiles**2 + 1) * (2 if flip else 1)
    if tiles > MOST_TILES:
        raise ConfigError(
            f"tiles={tiles}: would need {passes:,} passes of the network for each image, to look "
            f"at more pixels than cameras have; choose {MOST_TILES} at most (2 is usual)"
        )
    if tiles > 1:
        logger.info("tiles=%d: %d passes of the network for each image", tiles, passes)


def _require_memory(
    model: TrainedModel, size: tuple[int, int], batch_size: int, tiles: int, where: torch.device
) -> None:
    """For the images of a pass, the network's maps, and the tiles."""
    least = image_bytes(size) + pass_bytes(model.network, size) // 2  # mixed: halves
    if tiles > 1:
        height, width = canvas(size, tiles)
        parts = tiles**2 * size[0] * size[1] * FLOAT
        whole = batch_size * (image_bytes((height, width)) + 6 * parts) + parts
        require_memory(f"tiles={tiles}", whole, where)
        least += whole // batch_size
    named = "" if size == model.size else f"data.size={list(size)}, "
    require_memory(f"{named}batch_size={batch_size}", batch_size * least, where)
