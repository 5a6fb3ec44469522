"""The features that a model of transformers makes on the way to its own depth."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.networks.heads.decoded import Channels, Decoded


class Taps:
    """Keeps them while the model computes, for a head of ours.

    Its models (Depth Anything, DPT, ZoeDepth, Depth Pro) have these in common: a fusion stage that
    takes the encoder's maps and gives the decoder's, coarsest first, and a depth head whose last
    convolution gives depth.

    Attributes:
        channels: The widths of what is kept.
    """

    def __init__(self, model: nn.Module) -> None:
        """Listen to the model's fusion stage and to its head's last convolution.

        Raises:
            ConfigError: the model has none.
        """
        stages = [one for name, one in model.named_modules() if name.endswith("fusion_stage")]
        heads = [one for name, one in model.named_children() if name.endswith("head")]
        if not stages or not heads:
            raise ConfigError(f"network.head: {type(model).__name__} has no decoder that it fits")
        layers = [one for one in stages[0].modules() if type(one).__name__.endswith("FusionLayer")]
        last = [one for one in heads[0].modules() if isinstance(one, nn.Conv2d)][-1]
        config: Any = model.config
        width = int(config.fusion_hidden_size)
        self.channels = Channels(width, (width,) * len(layers), last.in_channels, relative=1)
        stages[0].register_forward_hook(self._keep_maps)
        last.register_forward_pre_hook(self._keep_activation)
        self._kept: dict[str, Any] = {}

    def decoded(self, relative: Float[Tensor, "b 1 h w"]) -> Decoded:
        """What the model's last pass made; kept no longer."""
        return Decoded(**self._take(), relative=relative)

    def _take(self) -> dict[str, Any]:
        kept, self._kept = self._kept, {}
        return kept

    def _keep_maps(self, _: nn.Module, given: tuple[Any, ...], made: list[Tensor]) -> None:
        coarsest = min(given[0], key=lambda one: one.shape[-2] * one.shape[-1])
        self._kept |= {"bottleneck": coarsest, "blocks": tuple(made)}

    def _keep_activation(self, _: nn.Module, given: tuple[Tensor, ...]) -> None:
        self._kept["activation"] = given[0]
