"""A pretrained encoder and decoder under a head of our own, at four scales (EndoSfM3D)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.networks.foundation.adapted import keep_names
from m3depth.networks.foundation.adapters import adapt
from m3depth.networks.foundation.images import ImageInput
from m3depth.networks.foundation.weights import create_model
from m3depth.networks.video.vector_lora import VectorLora
from m3depth.types import DepthMap, Kind, Scale
from m3depth.validation import require_number, require_switch


class SigmoidScales(nn.Module):
    """Depth Anything with adapters, its decoder frozen, and a sigmoid head for all its scales.

    The disparity of Godard et al. 2019: inverse depth between 1 / farthest and 1 / nearest, up to
    one factor.
    """

    def __init__(
        self,
        architecture: Mapping[str, Any],
        hub: str,
        licence: str,
        pretrained: bool | str = True,
        multiple: int = 14,
        size: Sequence[int] | None = None,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
        adapter: Mapping[str, Any] | VectorLora | None = None,
        nearest: float = 0.1,
        farthest: float = 150.0,
        typical_depth: float = 1.0,
        scales: int = 4,
        metric: bool = False,
        gradient_checkpointing: bool = False,
    ) -> None:
        """Build it; nothing is fetched for the architecture, only for the weights.

        Args:
            architecture: see `FoundationModel`; of the family ``depth_anything``.
            hub: see `FoundationModel`.
            licence: see `FoundationModel`.
            pretrained: see `FoundationModel`.
            multiple: see `ImageInput`.
            size: see `ImageInput`.
            mean: see `ImageInput`.
            std: see `ImageInput`.
            adapter: options of `adapt`, or `VectorLora`; the decoder is then frozen, too.
            nearest: least depth.
            farthest: greatest depth.
            typical_depth: of an untrained head.
            scales: 1 to 4, finest first.
            metric: whether something in the training tells millimetres.
            gradient_checkpointing: compute the encoder twice to keep less of it in memory.

        Raises:
            ConfigError: an option is out of range, or the weights do not fit.
            UserError: the weights are not found, or transformers is not installed.
        """
        super().__init__()
        require_switch("network.metric", metric)
        require_number("network.nearest", nearest, 1e-9)
        require_number("network.farthest", farthest, 1.01 * nearest)
        require_number("network.typical_depth", typical_depth, 1.001 * nearest, 0.999 * farthest)
        require_number("network.scales", scales, 1, 4, whole=True)
        self.scale = Scale.METRIC if metric else Scale.UP_TO_SCALE
        self.scales = scales
        self.input = ImageInput(multiple, size, mean, std)
        model: Any = create_model(architecture, hub, licence, pretrained)
        if gradient_checkpointing:
            model.activation_checkpointing_enable()
        self.model: Any = model
        if isinstance(adapter, VectorLora):
            adapter.adapt(model)
        else:
            adapt(model, **(adapter or {}))
        del model.head  # the one below takes its place
        keep_names(self)
        config = model.config
        self.head = SigmoidHead(
            config.fusion_hidden_size, config.head_hidden_size, nearest, farthest, typical_depth
        )

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap, ...]:
        """RGB in [0, 1] to maps of inverse depth at full, half, quarter and eighth size."""
        pixels = self.input(image)
        found = self.model.backbone.forward_with_filtered_kwargs(pixels)
        patch = self.model.config.patch_size
        rows, columns = pixels.shape[-2] // patch, pixels.shape[-1] // patch
        maps = self.model.neck(found.feature_maps, rows, columns)  # coarsest first
        finest_first = list(reversed(maps))[: self.scales]
        return tuple(
            DepthMap(self.head(one, _halved(image, times)), Kind.INVERSE_DEPTH, self.scale)
            for times, one in enumerate(finest_first)
        )


class SigmoidHead(nn.Module):
    """One head for all scales: convolution, resize, convolution, and a sigmoid between bounds."""

    def __init__(
        self, width: int, hidden: int, nearest: float, farthest: float, typical: float
    ) -> None:
        """``width`` of the decoder's maps, ``hidden`` of the layer before the last."""
        super().__init__()
        self.before = nn.Conv2d(width, width // 2, 3, padding=1)
        self.after = nn.Conv2d(width // 2, hidden, 3, padding=1)
        self.to_logit = nn.Conv2d(hidden, 1, 1)
        self.least, self.most = 1 / farthest, 1 / nearest
        share = (1 / typical - self.least) / (self.most - self.least)
        nn.init.normal_(self.to_logit.weight, std=1e-3)
        self.to_logit.bias = nn.Parameter(torch.tensor([share]).logit())

    def forward(
        self, features: Float[Tensor, "b c _ _"], size: tuple[int, int]
    ) -> Float[Tensor, "b 1 h w"]:
        """Inverse depth of that size, in float32: bfloat16 has too few for a surface's slope."""
        made = functional.interpolate(
            self.before(features), size, mode="bilinear", align_corners=True
        )
        made = functional.relu(self.after(made))
        with torch.autocast(features.device.type, enabled=False):
            share: Tensor = self.to_logit(made.float()).sigmoid()
        return self.least + (self.most - self.least) * share


def _halved(image: Tensor, times: int) -> tuple[int, int]:
    """Rounded up, as convolutions with stride do."""
    height, width = image.shape[-2:]
    return -(-height // 2**times), -(-width // 2**times)
