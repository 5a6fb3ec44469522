"""How far what a network sees is from what it normalises by."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

EPSILON = 1e-5  # of a variance


@contextmanager
def strangeness(network: nn.Module) -> Iterator[Callable[[], Float[Tensor, " b"] | None]]:
    """Of each image that the network sees meanwhile; None for one without batch statistics.

    Kullback and Leibler's divergence of the normal distribution with the image's mean and variance
    from that of the first layer's statistics, mean over channels. What later layers see depends on
    the statistics of those before them, so that two networks' do not compare. Of several passes the
    last one tells.
    """
    found: list[Tensor] = []

    def look(layer: Any, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        variance, mean = torch.var_mean(inputs[0].float(), (2, 3))
        ratio = (variance + EPSILON) / (layer.running_var + EPSILON)
        apart = (mean - layer.running_mean).square() / (layer.running_var + EPSILON)
        found.append((ratio - 1 - ratio.log() + apart).mean(1) / 2)

    hooks = [layer.register_forward_hook(look) for layer in batch_statistics(network)[:1]]
    try:
        yield lambda: found[-1] if found else None
    finally:
        for hook in hooks:
            hook.remove()


def batch_statistics(network: nn.Module) -> list[_BatchNorm]:
    """The layers that normalise by the mean and variance of the images that they have seen."""
    layers = [one for one in network.modules() if isinstance(one, _BatchNorm)]
    return [one for one in layers if one.track_running_stats]
