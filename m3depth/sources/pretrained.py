"""A pretrained network as a source of depth, without a training of ours."""

import logging
from collections.abc import Mapping
from typing import Any

import torch

from m3depth.device import pick_device
from m3depth.errors import ConfigError
from m3depth.networks.configuration import built
from m3depth.networks.finest import Finest
from m3depth.networks.foundation.adapted import merge
from m3depth.networks.tiled import in_tiles
from m3depth.sources.checkpoint import changed
from m3depth.sources.network import NetworkSource
from m3depth.sources.own_shape import OwnShape, require_pass
from m3depth.validation import require_size

logger = logging.getLogger(__name__)


def pretrained_source(
    network: Mapping[str, Any],
    size: object = None,
    shorter_side: object = 518,
    device: str = "auto",
    flip: bool = False,
    batch_size: int = 1,
    precision: str | int = "32",
    tiles: int = 1,
) -> NetworkSource:
    """A network that needs no checkpoint: its configuration says where its weights come from.

    Args:
        network: Configuration of a `DepthNetwork`, such as `FoundationModel`.
        size: (height, width) that it sees, to which an image of another shape is stretched; None:
            the network's own size, if it takes no other, else the image keeps its shape.
        shorter_side: Pixels of an image that keeps its shape.
        device: ``auto`` is the GPU where there is one.
        flip: See `Finest`.
        batch_size: How many images every pass of the network sees.
        precision: See `Finest`.
        tiles: See `Tiled`; needs a ``size``.

    Raises:
        UserError: the weights are not found.
        ConfigError: a setting is out of range, or does not fit into memory.
    """
    where, fixed = torch.device(pick_device(device)), size or network.get("size")
    if tiles != 1 and fixed is None:
        raise ConfigError(f"tiles={tiles}: parts need a size: source.size=[HEIGHT,WIDTH]")
    made = built(network)
    merge(made)
    options = changed({"flip": flip, "precision": precision, "tiles": tiles})
    model = " ".join([_name(network), *options])
    finest = Finest(made, flip, precision).to(where)
    if fixed is None:
        multiple = int(network.get("multiple", 1))
        model = f"{model} shorter_side={shorter_side}"
        return OwnShape(finest, shorter_side, multiple, where, batch_size, model)
    tiled, seen = in_tiles(finest, require_size("source.size", fixed), tiles)
    require_pass(f"source.size={list(seen)} batch_size={batch_size}", made, seen, batch_size, where)
    return NetworkSource(tiled, seen, device=where, batch_size=batch_size, model=model)


def _name(network: Mapping[str, Any]) -> str:
    """Of the network and of its weights."""
    name, pretrained = network.get("hub", network["_target_"]), network.get("pretrained")
    if pretrained is False:
        logger.warning("source.network.pretrained=false: this depth is that of random weights")
        return f"{name} with random weights"
    return f"{name} of {pretrained}" if isinstance(pretrained, str) else str(name)
