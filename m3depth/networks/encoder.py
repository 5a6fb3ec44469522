"""The encoder: any timm model, with its own normalisation."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.networks.pretrained import create_backbone


class Encoder(nn.Module):
    """RGB in [0, 1] to feature maps, finest first.

    ``channels`` and ``reductions`` (pixels of the input per pixel of the map) describe the maps.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, name: str, pretrained: bool | str = False) -> None:
        """See `create_backbone` for ``name`` and ``pretrained``."""
        super().__init__()
        backbone: Any = create_backbone(name, pretrained)
        self.backbone = backbone
        self.channels: list[int] = backbone.feature_info.channels()
        self.reductions: list[int] = backbone.feature_info.reduction()
        for statistic in ("mean", "std"):  # known from the name, so not part of a checkpoint
            value = torch.tensor(backbone.pretrained_cfg[statistic])[:, None, None]
            self.register_buffer(statistic, value, persistent=False)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b c _ _"]]:
        """Normalise as the weights were trained, and encode."""
        maps: list[Tensor] = self.backbone((image - self.mean) / self.std)
        return maps
