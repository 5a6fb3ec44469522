"""The encoder: any timm model, with its own normalisation."""

from typing import Any, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.networks.mixed_statistics import mix_statistics
from m3depth.networks.pretrained import create_backbone
from m3depth.validation import require_number, require_switch


class Encoder(nn.Module):
    """RGB in [0, 1] to feature maps, finest first.

    ``channels`` and ``reductions`` (pixels of the input per pixel of the map) describe the maps.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        pretrained: bool | str = False,
        frozen_statistics: bool = False,
        mixed_statistics: float = 0.0,
        sees: nn.Module | None = None,
    ) -> None:
        """Build it.

        Args:
            name: see `create_backbone`.
            pretrained: see `create_backbone`.
            frozen_statistics: normalise by the statistics that came with the weights, for batches
                too small to have any of their own; only sensible with pretrained weights.
            mixed_statistics: share of the training's batches whose images lend each other how
                they look, see `mix_statistics`.
            sees: RGB to what the encoder sees in its place, see `m3depth.networks.seen`.

        Raises:
            ConfigError: see `create_backbone`; or statistics are mixed of an encoder whose channels
                come last.
        """
        super().__init__()
        require_switch("network.frozen_statistics", frozen_statistics)
        require_number("network.mixed_statistics", mixed_statistics, 0, 1)
        self.frozen_statistics, self.sees = frozen_statistics, sees
        backbone: Any = create_backbone(name, pretrained)
        self.backbone = backbone
        self.channels: list[int] = backbone.feature_info.channels()
        self.reductions: list[int] = backbone.feature_info.reduction()
        # some transformers put channels last; a wrapper that does not say puts them second
        self.channels_last = getattr(backbone, "output_fmt", "NCHW") == "NHWC"
        if mixed_statistics and self.channels_last:
            raise ConfigError(f"network.mixed_statistics: not for {name}, whose channels come last")
        if mixed_statistics:
            mix_statistics(backbone, mixed_statistics)
        for statistic in ("mean", "std"):  # known from the name, so not part of a checkpoint
            value = torch.tensor(backbone.pretrained_cfg[statistic])[:, None, None]
            self.register_buffer(statistic, value, persistent=False)
        self.train()  # Lightning keeps the mode that it finds

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b c _ _"]]:
        """Normalise as the weights were trained, and encode."""
        image = image if self.sees is None else self.sees(image)
        maps: list[Tensor] = self.backbone((image - self.mean) / self.std)
        return [one.permute(0, 3, 1, 2) for one in maps] if self.channels_last else maps

    def train(self, mode: bool = True) -> Self:
        """Lightning switches modes; frozen statistics stay frozen."""
        super().train(mode)
        for module in self.modules() if self.frozen_statistics else ():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self
