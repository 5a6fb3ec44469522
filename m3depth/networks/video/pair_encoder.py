"""A timm encoder that sees two images at once."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.networks.pretrained import create_backbone

CENTRE, SPREAD = 0.45, 0.225  # of RGB in [0, 1], roughly ImageNet's


class PairEncoder(nn.Module):
    """Two images, stacked, to feature maps, finest first.

    ``channels`` and ``reductions`` (pixels of the input per pixel of the map) describe the maps.
    """

    def __init__(self, name: str = "resnet18", pretrained: bool | str = False) -> None:
        """Build it.

        Args:
            name: see `create_backbone`.
            pretrained: see `create_backbone`. The first layer's weights are halved and count for
                both images, so that two equal ones give what one gives a network of one.
        """
        super().__init__()
        backbone: Any = create_backbone(name, pretrained)
        self.channels: list[int] = backbone.feature_info.channels()
        self.reductions: list[int] = backbone.feature_info.reduction()
        self.backbone = _for_pairs(backbone)

    def forward(
        self, one: Float[Tensor, "b 3 h w"], other: Float[Tensor, "b 3 h w"]
    ) -> list[Float[Tensor, "b c _ _"]]:
        """RGB in [0, 1]."""
        maps: list[Tensor] = self.backbone((torch.cat([one, other], 1) - CENTRE) / SPREAD)
        return maps

    def follow(self, place: int, module: nn.Module) -> None:
        """Let a module change one of the maps before the later stages see it."""
        name = self.backbone.feature_info.module_name(place)  # type: ignore[operator, union-attr]
        stage = self.backbone.get_submodule(name)
        self.backbone.set_submodule(name, nn.Sequential(stage, module))


def _for_pairs(backbone: nn.Module) -> nn.Module:
    """With a first convolution of six channels."""
    for place, module in backbone.named_modules():
        if isinstance(module, nn.Conv2d):
            wide: Any = nn.Conv2d(
                6,
                module.out_channels,
                module.kernel_size,  # type: ignore[arg-type]
                module.stride,  # type: ignore[arg-type]
                module.padding,  # type: ignore[arg-type]
                bias=module.bias is not None,
            )
            wide.weight = nn.Parameter(module.weight.detach().repeat(1, 2, 1, 1) / 2)
            wide.bias = module.bias
            inside, _, name = place.rpartition(".")
            setattr(backbone.get_submodule(inside), name, wide)
            break
    return backbone
