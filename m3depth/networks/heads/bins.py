"""ZoeDepth's metric bins (Bhat et al. 2023, arXiv 2302.12288, section 3.2)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.device import without_autocast
from m3depth.errors import ConfigError
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.networks.heads.log_binomial import LogBinomial
from m3depth.validation import require_number

ALPHA, GAMMA = 300, 2  # of the attractors, as ZoeDepth's weights were trained
LEAST = 1e-3  # width of a bin and place of an attractor, before anything is scaled

Centres = Float[Tensor, "b n h w"]  # of the bins, as shares of the range from near to far


class MetricBins(nn.Module):
    """Depth as the mean of bin centres that every pixel has for itself.

    The coarsest features give the first centres. At each stage of the decoder, attractors pull
    them closer to the depths there. The finest features give their probabilities.
    """

    def __init__(
        self,
        channels: Channels,
        min_depth_mm: float = 10.0,
        max_depth_mm: float = 300.0,
        bins: int = 64,
        attractors: Sequence[int] = (16, 8, 4, 1),
        embedding: int = 128,
    ) -> None:
        """Build it.

        Args:
            channels: of the decoder.
            min_depth_mm: where the bins begin.
            max_depth_mm: where they end.
            bins: their number.
            attractors: how many each stage of the decoder has, coarsest stage first.
            embedding: channels of the features that place the attractors.

        Raises:
            ConfigError: an option is out of range, or not one number for each stage.
        """
        super().__init__()
        require_number("network.head.min_depth_mm", min_depth_mm, 0)
        require_number("network.head.max_depth_mm", max_depth_mm, 1.01 * min_depth_mm)
        require_number("network.head.bins", bins, 2, whole=True)
        if len(attractors) != len(channels.blocks):
            raise ConfigError(
                f"network.head.attractors={list(attractors)}: expected {len(channels.blocks)} "
                "numbers, one for each stage of the decoder"
            )
        for count in attractors:
            require_number("network.head.attractors", count, 1, whole=True)
        require_number("network.head.embedding", embedding, 1, whole=True)
        self.near, self.far = float(min_depth_mm), float(max_depth_mm)
        self.bottleneck = nn.Conv2d(channels.bottleneck, channels.bottleneck, 1)
        self.seeds = _two_layers(channels.bottleneck, 2 * embedding, bins)
        self.seed_embedding = _two_layers(channels.bottleneck, embedding, embedding)
        self.embeddings = nn.ModuleList(
            _two_layers(width, embedding, embedding) for width in channels.blocks
        )
        self.attractors = nn.ModuleList(
            _two_layers(embedding, embedding, count) for count in attractors
        )
        self.probabilities = LogBinomial(channels.activation + channels.relative, embedding, bins)

    def forward(self, decoded: Decoded) -> Float[Tensor, "b 1 h w"]:
        """Depth in mm, in float32."""
        with without_autocast(decoded.activation):
            features = self.bottleneck(decoded.bottleneck.float())
            centres, before = seed_centres(self.seeds(features)), self.seed_embedding(features)
            for embed, attract, block in zip(
                self.embeddings, self.attractors, decoded.blocks, strict=True
            ):
                here = embed(block.float())
                points = functional.relu(attract(here + _at(before, here))) + LEAST
                centres, before = attracted(_at(centres, here), points), here
            depths = self.near + (self.far - self.near) * centres.sort(1).values.clamp(0, 1)
            finest = [decoded.activation, *([] if decoded.relative is None else [decoded.relative])]
            joined = torch.cat([one.float() for one in finest], 1)
            probability = self.probabilities(torch.cat([joined, _at(before, joined)], 1))
            depth: Tensor = (probability * _at(depths, joined)).sum(1, keepdim=True)
            return depth


def seed_centres(raw: Float[Tensor, "b n h w"]) -> Centres:
    """The middles of bins that fill the range, their widths in proportion to ReLU(``raw``)."""
    widths = functional.relu(raw) + LEAST
    ends = (widths / widths.sum(1, keepdim=True)).cumsum(1)
    return ends - 0.5 * widths / widths.sum(1, keepdim=True)


def attracted(centres: Centres, points: Float[Tensor, "b k h w"]) -> Centres:
    """Each centre moved by the mean pull of the attractors at ``points``.

    ``c_i + 1/K · sum_k (a_k - c_i) / (1 + alpha |a_k - c_i|^gamma)`` (equation 2).
    """
    away = points[:, :, None] - centres[:, None]
    return centres + (away / (1 + ALPHA * away.abs() ** GAMMA)).mean(1)


def _two_layers(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, outputs, 1))


def _at(maps: Tensor, other: Tensor) -> Tensor:
    """Resized to the other's size."""
    return functional.interpolate(maps, other.shape[-2:], mode="bilinear", align_corners=True)
