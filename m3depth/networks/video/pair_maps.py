"""Two images to a map of the same size: the shape of flow and of appearance flow."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.networks.monodepth import Stage
from m3depth.networks.video.pair_encoder import PairEncoder


class PairMaps(nn.Module):
    """An encoder of both images, and a decoder with skips; it begins with maps near 0."""

    def __init__(
        self,
        encoder: str = "resnet18",
        pretrained: bool | str = False,
        outputs: int = 2,
        widths: Sequence[int] = (256, 128, 64, 32, 16, 16),
    ) -> None:
        """Build it.

        Args:
            encoder: any timm model that gives feature maps.
            pretrained: see `PairEncoder`.
            outputs: channels of the map.
            widths: the decoder's, coarsest stage first; the last is at full size.
        """
        super().__init__()
        self.encoder = PairEncoder(encoder, pretrained)
        *skips, deepest = self.encoder.channels
        widths = tuple(widths)[-len(skips) - 1 :]
        inputs = [deepest, *widths[:-1]]
        self.stages = nn.ModuleList(
            Stage(below, skip, width)
            for below, skip, width in zip(inputs, [*reversed(skips), 0], widths, strict=True)
        )
        self.last = nn.Conv2d(widths[-1], outputs, 3, padding=1)
        nn.init.normal_(self.last.weight, std=1e-5)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(
        self, one: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b c h w"]:
        """RGB in [0, 1]."""
        *skips, features = self.encoder(one, other)
        above: list[Tensor | None] = [*reversed(skips), None]
        for stage, skip in zip(self.stages, above, strict=True):
            size = one.shape[-2:] if skip is None else skip.shape[-2:]
            features = stage(features, skip, size)
        with torch.autocast(one.device.type, enabled=False):
            made: Tensor = self.last(features.float())
        return made
