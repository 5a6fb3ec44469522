"""A network of relative depth with a head that gives millimetres in place of its own."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.geometry.resizing import resized, size_of
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.types import DepthMap, Kind
from m3depth.validation import require_number, require_switch


@runtime_checkable
class HasDecoder(Protocol):
    """A network with an encoder and a decoder, such as `Monodepth` or `FoundationModel`."""

    encoder: nn.Module
    channels: Channels  # of what is decoded

    def decoded(self, image: Float[Tensor, "b 3 h w"]) -> Decoded:
        """The decoder's features of RGB in [0, 1]."""


class Metric(nn.Module):
    """Depth in mm from another network's decoder, learned from labels (ZoeDepth, section 3).

    The other network keeps its names below ``network.``, so that ``network.start=`` begins from a
    training of `Relative`; the head is new.
    """

    def __init__(
        self,
        network: nn.Module,
        head: Callable[[Channels], nn.Module],
        encoder_rate: float = 1.0,
        frozen: bool = False,
    ) -> None:
        """Put the head on the network's decoder.

        Args:
            network: a network that `HasDecoder`; its own heads give the relative depth.
            head: of `m3depth.networks.heads`, to be made for the decoder's channels.
            encoder_rate: the encoder's learning rate, as a share of the optimiser's.
            frozen: learn the head alone. The other network's statistics stand still, too.

        Raises:
            ConfigError: the network has no such decoder, or an option is out of range.
        """
        super().__init__()
        require_number("network.encoder_rate", encoder_rate, 0)
        require_switch("network.frozen", frozen)
        if not isinstance(network, HasDecoder):
            raise ConfigError(
                f"network.network: {type(network).__name__} has no method decoded(image) that "
                "gives a head its features; choose network@network.network=efficientnet_lite0"
            )
        self.network, self.head = network, head(network.channels)
        self.encoder_rate, self.frozen = encoder_rate, frozen
        if frozen:  # else what an adapter leaves frozen stays so
            self.network.requires_grad_(False)
        self.train()  # Lightning keeps the mode that it finds

    def train(self, mode: bool = True) -> "Metric":
        """Frozen, the other network stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap]:
        """RGB in [0, 1] to the left view's depth in mm, one map of the image's size."""
        depth_mm = self.head(self.network.decoded(image))
        return (DepthMap(resized(depth_mm, size_of(image)), Kind.DEPTH),)

    def own_rates(self) -> list[dict[str, Any]]:
        """For the optimiser; ``rate`` is a share of its learning rate (see `System`)."""
        encoder = [*self.network.encoder.parameters()]
        return [{"params": encoder, "rate": self.encoder_rate}] if self.encoder_rate != 1 else []
