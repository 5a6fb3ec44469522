"""Beginning a training from the weights of another one: ``network.start=CHECKPOINT``."""

import logging
from typing import Any

from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.networks.configuration import starts
from m3depth.networks.general import named
from m3depth.networks.trained import read_checkpoint, weights_of

NAMED = 3  # tensors

logger = logging.getLogger(__name__)


def begin(network: nn.Module, options: Any) -> frozenset[str]:
    """Give the network, and the modules inside it, the weights that ``options`` name.

    A module takes the tensors that fit it by name and shape; one of another shape, or that the
    checkpoint lacks, stays as it is and is reported.

    Args:
        network: As `m3depth.systems.build` made it.
        options: What it was made of; a key ``start`` names a checkpoint of `m3depth train`, or
            ``general``. The path of the keys must be the path of the module.

    Returns:
        The marks of the frames that those weights have learned from.

    Raises:
        UserError: a file is missing, or no checkpoint of m3depth.
        ConfigError: no module of that name, or not one of its tensors fits.
    """
    seen: frozenset[str] = frozenset()
    for at, given in starts(options):
        path = named(given)
        saved = read_checkpoint(path)
        about = saved["m3depth"]
        weights = weights_of(about.get("gives_depth", "network"), saved)
        _take(_inside(network, at), weights, f"network.{at}{'.' if at else ''}start={path}")
        seen |= frozenset(about.get("trained_on", ()))
    return seen


def _inside(network: nn.Module, at: str) -> nn.Module:
    try:
        return network.get_submodule(at)
    except AttributeError:
        raise ConfigError(
            f"network.{at}.start: {type(network).__name__} has no module {at}"
        ) from None


def _take(module: nn.Module, weights: dict[str, Tensor], said: str) -> None:
    own = module.state_dict()
    fitting = {k: v for k, v in weights.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise ConfigError(f"{said}: not one of its {len(weights)} tensors fits this network")
    module.load_state_dict(fitting, strict=False)
    new = sorted(own.keys() - fitting.keys())
    told = f"; new: {', '.join(new[:NAMED])}{', ...' * (len(new) > NAMED)}" if new else ""
    logger.info("%s: %d of %d tensors%s", said, len(fitting), len(own), told)
