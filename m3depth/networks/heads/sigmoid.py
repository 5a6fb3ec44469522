"""Depth as a sigmoid times the largest depth."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.device import without_autocast
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.validation import require_number


class SigmoidDepth(nn.Module):
    """``max_depth · sigmoid(convolution(activation))`` (Depth Anything V2, metric models)."""

    def __init__(
        self, channels: Channels, max_depth_mm: float = 300.0, initial_mm: float = 60.0
    ) -> None:
        """Build it.

        Args:
            channels: of the decoder.
            max_depth_mm: the largest depth.
            initial_mm: the depth that an untrained head gives: half of the largest may be far from
                every scene.

        Raises:
            ConfigError: a depth is out of range.
        """
        super().__init__()
        require_number("network.head.max_depth_mm", max_depth_mm, 1)
        require_number(
            "network.head.initial_mm", initial_mm, 0.01 * max_depth_mm, 0.99 * max_depth_mm
        )
        self.max_depth_mm = max_depth_mm
        self.to_logit = nn.Conv2d(channels.activation, 1, 1)
        start = initial_mm / max_depth_mm
        nn.init.normal_(self.to_logit.weight, std=1e-3)
        self.to_logit.bias = nn.Parameter(torch.full((1,), math.log(start / (1 - start))))

    def forward(self, decoded: Decoded) -> Float[Tensor, "b 1 h w"]:
        """Depth in mm; in float32, because bfloat16 has too few depths for a surface's slope."""
        with without_autocast(decoded.activation):
            return self.max_depth_mm * torch.sigmoid(self.to_logit(decoded.activation.float()))
