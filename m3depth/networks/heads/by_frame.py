"""The relative depth itself, in millimetres by a number that each whole frame tells."""

import math
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.device import without_autocast
from m3depth.errors import ConfigError
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.validation import require_number

TINY = 1e-6
EPS = 1e-8  # of a channel's variance


class FrameScale(nn.Module):
    """``1 / z = m (1 + a (r / mean r - 1))``: m from a frame's pooled features, a of all frames.

    r is the decoder's own relative depth, m the frame's mean inverse depth; a is 1 if r lacks a
    scale alone, and another number if it lacks a shift, too. Few labels tell a number a frame
    better than a depth a pixel; the relief stays what many relative labels have taught.
    (MoGe-2, Wang et al. 2025, arXiv 2507.02546, has a head for the scale of a whole frame, too.)
    """

    def __init__(
        self, channels: Channels, max_depth_mm: float = 300.0, initial_mm: float = 60.0
    ) -> None:
        """Build it.

        Args:
            channels: of the decoder, which gives a relative depth.
            max_depth_mm: the largest depth.
            initial_mm: an untrained head's, where the inverse depth has its mean.

        Raises:
            ConfigError: a depth is out of range, or the decoder has no relative depth.
        """
        super().__init__()
        require_number("network.head.max_depth_mm", max_depth_mm, 1)
        require_number("network.head.initial_mm", initial_mm, 0.01 * max_depth_mm, max_depth_mm)
        if not channels.relative:
            raise ConfigError("network/head=by_frame: the decoder gives no relative depth to scale")
        self.least = 1 / max_depth_mm
        width = 2 * (channels.bottleneck + sum(channels.blocks) + channels.activation)
        self.usual = nn.BatchNorm1d(width, affine=False, momentum=None)
        self.to_log_mean = nn.Linear(width, 1)
        self.log_contrast = nn.Parameter(torch.zeros(()))
        nn.init.zeros_(self.to_log_mean.weight)
        self.to_log_mean.bias = nn.Parameter(torch.tensor([-math.log(initial_mm)]))

    def forward(self, decoded: Decoded) -> Float[Tensor, "b 1 h w"]:
        """Depth in mm, in float32."""
        with without_autocast(decoded.activation):
            relative = cast(Tensor, decoded.relative).float()  # its channels say so
            unit = relative / relative.mean((-2, -1), keepdim=True).clamp_min(TINY)
            share = 1 + self.log_contrast.exp() * (unit - 1)
            mean_inverse = self._log_mean(decoded).exp()[:, :, None, None]
            return 1 / (mean_inverse * share).clamp_min(self.least)

    def pooled(self, decoded: Decoded) -> Float[Tensor, "b n"]:
        """Mean and spread of every channel over the frame: what m is told from."""
        maps = [one.float() for one in (decoded.bottleneck, *decoded.blocks, decoded.activation)]
        return torch.cat([part for one in maps for part in _pooled(one)], 1)

    def _log_mean(self, decoded: Decoded) -> Float[Tensor, "b 1"]:
        """Of the frame's inverse depth in 1/mm."""
        pooled = self.pooled(decoded)
        if self.training:
            self.usual(pooled.detach())  # counted; less a batch's mean nothing would be left of m
        usual = self.usual.running_mean, self.usual.running_var
        unit = functional.batch_norm(pooled, *usual, training=False, eps=EPS)
        found: Tensor = self.to_log_mean(unit / math.sqrt(unit.shape[1]))
        return found


def _pooled(maps: Float[Tensor, "b c _ _"]) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"]]:
    """Mean and spread."""
    deviation, mean = torch.std_mean(maps, (-2, -1), correction=0)
    return mean, deviation
