"""A depth model of transformers, as a network of this project."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.geometry.resizing import resized, size_of
from m3depth.networks.foundation.adapted import keep_names
from m3depth.networks.foundation.adapters import adapt
from m3depth.networks.foundation.images import ImageInput
from m3depth.networks.foundation.taps import Taps
from m3depth.networks.foundation.weights import create_model
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.types import DepthMap, Kind, Scale
from m3depth.validation import require_number, require_switch

MakeHead = Callable[[Channels], nn.Module]


class FoundationModel(nn.Module):
    """One view's depth, of the kind that the model or the head in its place gives.

    A head of its own is for the model's weights as they are published. `Metric` puts one on the
    weights of a training of ours, of this network as of any other that has a decoder.
    """

    def __init__(
        self,
        architecture: Mapping[str, Any],
        kind: str,
        scale: str,
        hub: str,
        licence: str,
        pretrained: bool | str = True,
        unit_mm: float = 1.0,
        multiple: int = 1,
        size: Sequence[int] | None = None,
        mean: Sequence[float] = (0.5, 0.5, 0.5),
        std: Sequence[float] = (0.5, 0.5, 0.5),
        head: MakeHead | None = None,
        adapter: Mapping[str, Any] | None = None,
        encoder_rate: float = 1.0,
        gradient_checkpointing: bool = False,
    ) -> None:
        """Build it; nothing is fetched for the architecture, only for the weights.

        Args:
            architecture: ``model_type`` and the options of its configuration in transformers.
            kind: what the model gives, a `Kind`.
            scale: what is known of its scale, a `Scale`.
            hub: name of its weights on huggingface.co.
            licence: of these weights.
            pretrained: see `create_model`.
            unit_mm: the model's unit of depth.
            multiple: see `ImageInput`.
            size: see `ImageInput`.
            mean: see `ImageInput`.
            std: see `ImageInput`.
            head: of `m3depth.networks.heads`, to give millimetres in place of the model's own
                depth, from the same features.
            adapter: what of the model is trained, see `adapt`; none: all of it.
            encoder_rate: the encoder's learning rate, as a share of the optimiser's.
            gradient_checkpointing: compute the encoder twice to keep less of it in memory.

        Raises:
            ConfigError: an option is out of range, or the weights do not fit.
            UserError: the weights are not found, or transformers is not installed.
        """
        super().__init__()
        require_switch("network.gradient_checkpointing", gradient_checkpointing)
        require_number("network.encoder_rate", encoder_rate, 0)
        require_number("network.unit_mm", unit_mm, 1e-6)
        try:
            self.kind, self.scale = Kind(kind), Scale(scale)
        except ValueError as error:
            raise ConfigError(f"network.kind={kind}, network.scale={scale}: {error}") from error
        self.unit_mm, self.encoder_rate = unit_mm, encoder_rate
        self.input = ImageInput(multiple, size, mean, std)
        model: Any = create_model(architecture, hub, licence, pretrained)
        if gradient_checkpointing:
            model.activation_checkpointing_enable()
        adapt(model, **(adapter or {}))
        self.model: nn.Module = model
        keep_names(self)
        self.taps: Taps | None = None
        self.head = head(self.channels) if head else None

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap]:
        """One map at the image's size; ``image`` is RGB in [0, 1]."""
        if self.head is not None:
            depth_mm = self.head(self.decoded(image))
            return (DepthMap(resized(depth_mm.float(), size_of(image)), Kind.DEPTH),)
        found = self.model(pixel_values=self.input(image))
        own = found.predicted_depth[:, None]
        if getattr(found, "field_of_view", None) is not None:
            own = own * _width_per_focal_length(found.field_of_view)
        unit = self.unit_mm if self.kind is Kind.DEPTH else 1 / self.unit_mm
        own = resized((unit * own).float(), size_of(image))
        return (DepthMap(own, self.kind, self.scale),)

    @property
    def encoder(self) -> nn.Module:
        """The first part of the model."""
        return next(self.model.children())

    @property
    def channels(self) -> Channels:
        """Of what is `decoded`; from the first look at them on, the model's features are kept."""
        if self.taps is None:
            self.taps = Taps(self.model)
        return self.taps.channels

    def decoded(self, image: Float[Tensor, "b 3 h w"]) -> Decoded:
        """The features of RGB in [0, 1] that the model makes its own depth of, at its own sizes.

        Raises:
            ConfigError: the model has no decoder.
        """
        self.taps = taps = self.taps or Taps(self.model)
        own = self.model(pixel_values=self.input(image)).predicted_depth
        return taps.decoded(relative=own[:, None])

    def own_rates(self) -> list[dict[str, Any]]:
        """For the optimiser; ``rate`` is a share of its learning rate (see `System`)."""
        groups = [{"params": [*self.encoder.parameters()], "rate": self.encoder_rate}]
        return groups if self.encoder_rate != 1 else []


def _width_per_focal_length(degrees: Float[Tensor, " b"]) -> Float[Tensor, "b 1 1 1"]:
    """Depth Pro's inverse depth is that of a camera whose focal length is its image's width."""
    return 2 * torch.tan(torch.deg2rad(degrees.float()) / 2)[:, None, None, None]
