"""A pretrained network as a source of depth, without a training of ours."""

import logging
from collections.abc import Mapping
from typing import Any

import torch

from m3depth.device import pick_device
from m3depth.networks.configuration import built
from m3depth.networks.finest import Finest
from m3depth.networks.foundation.adapted import merge
from m3depth.networks.tiled import in_tiles
from m3depth.sources.checkpoint import changed
from m3depth.sources.network import NetworkSource
from m3depth.validation import require_size

logger = logging.getLogger(__name__)


def pretrained_source(
    network: Mapping[str, Any],
    size: object,
    device: str = "auto",
    flip: bool = False,
    batch_size: int = 1,
    precision: str | int = "32",
    tiles: int = 1,
) -> NetworkSource:
    """A network that needs no checkpoint: its configuration says where its weights come from.

    Args:
        network: Configuration of a `DepthNetwork`, such as `FoundationModel`.
        size: (height, width) that it sees; an image of another shape is stretched.
        device: ``auto`` is the GPU where there is one.
        flip: See `Finest`.
        batch_size: How many images every pass of the network sees.
        precision: See `Finest`.
        tiles: See `Tiled`.

    Raises:
        UserError: the weights are not found.
        ConfigError: a setting is out of range.
    """
    where, asked = torch.device(pick_device(device)), require_size("source.size", size)
    made = built(network)
    merge(made)
    finest, seen = in_tiles(Finest(made, flip, precision), asked, tiles)
    options = changed({"flip": flip, "precision": precision, "tiles": tiles})
    return NetworkSource(
        finest.to(where),
        seen,
        device=where,
        batch_size=batch_size,
        model=" ".join([_name(network), *options]),
    )


def _name(network: Mapping[str, Any]) -> str:
    """Of the network and of its weights."""
    name, pretrained = network.get("hub", network["_target_"]), network.get("pretrained")
    if pretrained is False:
        logger.warning("source.network.pretrained=false: this depth is that of random weights")
        return f"{name} with random weights"
    return f"{name} of {pretrained}" if isinstance(pretrained, str) else str(name)
