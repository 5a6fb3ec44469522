"""Attention between the patches of a feature map."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.errors import ConfigError
from m3depth.validation import require_number


class PatchAttention(nn.Module):
    """Weighs a feature map, pixel by pixel, by what its patches say of each other (EndoSfM3D).

    Patches become tokens, tokens attend to each other, and what they say becomes one map of weights
    in (0, 1). The place of a patch is a learned vector at a grid that is resized to the map's, so
    that any size of image will do.
    """

    def __init__(
        self,
        channels: int,
        heads: int = 8,
        patch: int = 8,
        dropout: float = 0.1,
        places: int = 16,
    ) -> None:
        """Build it.

        Args:
            channels: of the map.
            heads: of the attention; they divide the channels.
            patch: side of a patch, pixels of the map.
            dropout: of the attention's weights.
            places: the learned grid's side.

        Raises:
            ConfigError: an option is out of range.
        """
        super().__init__()
        require_number("attention.patch", patch, 1, whole=True)
        require_number("attention.dropout", dropout, 0, 1)
        if heads < 1 or channels % heads:
            raise ConfigError(f"attention.heads={heads}: must divide the map's {channels} channels")
        self.patch = patch
        patches = nn.Conv2d(channels, channels, patch, patch)
        self.to_tokens = nn.Sequential(patches, nn.GroupNorm(1, channels), nn.GELU())
        self.places = nn.Parameter(0.02 * torch.randn(1, channels, places, places))
        self.norm = nn.LayerNorm(channels)
        self.attention = nn.MultiheadAttention(channels, heads, dropout, batch_first=True)
        self.to_weights = nn.Sequential(
            nn.Conv2d(channels, channels // 2, 3, padding=1),
            nn.ELU(),
            nn.Conv2d(channels // 2, 1, 1),
        )

    def forward(self, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The same features, weighed."""
        height, width = features.shape[-2:]
        missing = (0, -width % self.patch, 0, -height % self.patch)
        tokens = self.to_tokens(functional.pad(features, missing, mode="replicate"))
        places = functional.interpolate(self.places, tokens.shape[-2:], mode="bilinear")
        rows = self.norm((tokens + places).flatten(2).mT)
        heard = rows + self.attention(rows, rows, rows, need_weights=False)[0]
        maps = heard.mT.unflatten(2, tokens.shape[-2:])
        size = (tokens.shape[-2] * self.patch, tokens.shape[-1] * self.patch)
        whole = functional.interpolate(maps, size, mode="bilinear")[..., :height, :width]
        weighed: Tensor = features * torch.sigmoid(self.to_weights(whole))
        return weighed
