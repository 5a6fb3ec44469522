"""Monodepth-style network: an encoder with skips, and both views' disparities at four scales."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.device import without_autocast
from m3depth.errors import ConfigError
from m3depth.geometry.warp import warp
from m3depth.networks.encoder import Encoder
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.types import DepthMap, Disparity, Kind
from m3depth.validation import require_number, require_switch

SCALES = 4
ERROR_SCALE = 2  # what the expected error is read from: a quarter of the size
INITIAL_ERROR = 0.01  # fraction of the width
GROUPS = 8  # of channels that are normalised together


class Monodepth(nn.Module):
    """``I^l -> (d^l, d^r)`` at full, half, quarter and eighth size (M3Depth, section 2.1)."""

    def __init__(
        self,
        encoder: str = "resnet18",
        pretrained: bool | str = False,
        frozen_statistics: bool = False,
        widths: Sequence[int] = (256, 128, 64, 32, 16),
        initial_disparity: float = 0.065,
        max_disparity: float = 0.3,
        full_size: bool = False,
        decoder_norm: bool = False,
        mixed_statistics: float = 0.0,
        sees: nn.Module | None = None,
        encoder_rate: float = 1.0,
    ) -> None:
        """Build it.

        Args:
            encoder: any timm model that gives feature maps.
            pretrained: false, true, a weights file or a package; see `create_backbone`.
            frozen_statistics: see `Encoder`.
            widths: the decoder's channels, coarsest stage first; the last is at full size.
            initial_disparity: where the heads start, fraction of the width: the rig's plausible
                disparity, because half of ``max_disparity`` may be far from every scene.
            max_disparity: the largest disparity, fraction of the width.
            full_size: give the coarser scales, too, at the input's size, so that they are compared
                with full images (Godard et al. 2019, section 3.3).
            decoder_norm: normalise the decoder's features, each image's by its own statistics.
            mixed_statistics: see `Encoder`.
            sees: see `Encoder`.
            encoder_rate: The encoder's learning rate as a share of the optimizer's: what it knows
                of natural images is forgotten more slowly, or not at all at 0.

        Raises:
            ConfigError: an option is out of range.
        """
        super().__init__()
        require_switch("network.full_size", full_size)
        require_switch("network.decoder_norm", decoder_norm)
        require_number("network.max_disparity", max_disparity, 0.001, 1)
        require_number("network.initial_disparity", initial_disparity, 1e-4, 0.99 * max_disparity)
        require_number("network.encoder_rate", encoder_rate, 0, 1)
        self.full_size, self.encoder_rate = full_size, encoder_rate
        self.encoder = Encoder(encoder, pretrained, frozen_statistics, mixed_statistics, sees)
        channels = self.encoder.channels
        self.lacks_half = self.encoder.reductions[0] > 2  # then one more stage, without a skip
        skips = [*reversed(channels[:-1]), *([0] if self.lacks_half else []), 0]
        _require_widths(widths, len(skips))
        widths = tuple(widths)[-len(skips) :]
        inputs = [channels[-1], *widths[:-1]]
        self.stages = nn.ModuleList(
            Stage(below, skip, width, decoder_norm)
            for below, skip, width in zip(inputs, skips, widths, strict=True)
        )
        self.heads = nn.ModuleList(
            Head(width, initial_disparity, max_disparity) for width in widths[-SCALES:]
        )
        self.error = ErrorHead(widths[-1 - ERROR_SCALE])
        self.channels = Channels(channels[-1], widths[:-1], widths[-1], relative=1)
        self.to(memory_format=torch.channels_last)  # a third faster on CPUs, and on tensor cores

    def own_rates(self) -> list[dict[str, Any]]:
        """For the optimizer, see `System`."""
        if self.encoder_rate == 1:
            return []
        return [{"params": list(self.encoder.parameters()), "rate": self.encoder_rate}]

    def forward(self, left: Float[Tensor, "b 3 h w"]) -> tuple[DepthMap, ...]:
        """Disparities, fraction of the width, finest scale first; ``left`` is RGB in [0, 1]."""
        _, features = self._features(left)
        pairs = zip(self.heads, features[-SCALES:], strict=True)
        *coarser, finest = [head(one) for head, one in pairs]
        finest = finest._replace(error=self.error(features[-1 - ERROR_SCALE], finest))
        if self.full_size:
            size = left.shape[-2], left.shape[-1]
            coarser = [Disparity(*(_resized(side, size) for side in one.views)) for one in coarser]
        return tuple(_as_map(disparity) for disparity in (finest, *reversed(coarser)))

    def decoded(self, image: Float[Tensor, "b 3 h w"]) -> Decoded:
        """What a head of `m3depth.networks.heads` needs; its relative depth is the disparity."""
        bottleneck, (*blocks, finest) = self._features(image)
        return Decoded(bottleneck, tuple(blocks), finest, self.heads[-1](finest).left)

    def _features(self, image: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, list[Tensor]]:
        """The encoder's coarsest, and those of each stage of the decoder, coarsest first."""
        height, width = image.shape[-2:]
        *skips, bottleneck = self.encoder(image)
        sizes = [skip.shape[-2:] for skip in reversed(skips)]
        sizes += [(math.ceil(height / 2), math.ceil(width / 2))] * self.lacks_half
        sizes += [(height, width)]
        skips = [*reversed(skips), *([None] * (1 + self.lacks_half))]
        made = [bottleneck]
        for stage, skip, size in zip(self.stages, skips, sizes, strict=True):
            made.append(stage(made[-1], skip, size))
        return bottleneck, made[1:]


def _require_widths(widths: Sequence[int], stages: int) -> None:
    if len(widths) < stages:
        raise ConfigError(
            f"network.widths={list(widths)}: one for each of the decoder's {stages} stages is "
            "needed, coarsest first"
        )
    for width in widths:
        require_number("network.widths", width, 1, whole=True)


class Stage(nn.Module):
    """One step up: resize to the skip, join it, and mix."""

    def __init__(self, below: int, skip: int, width: int, norm: bool = False) -> None:
        super().__init__()
        self.before = _convolution(below, width, norm)
        self.after = _convolution(width + skip, width, norm)

    def forward(self, features: Tensor, skip: Tensor | None, size: tuple[int, int]) -> Tensor:
        """Any input size works because the *skip's* size decides, not a factor of two."""
        features = functional.interpolate(self.before(features), size=size, mode="nearest")
        joined = features if skip is None else torch.cat([features, skip], dim=1)
        mixed: Tensor = self.after(joined)
        return mixed


class Head(nn.Module):
    """Features to both disparities by ``max_disparity · sigmoid``."""

    def __init__(self, width: int, initial_disparity: float, max_disparity: float) -> None:
        super().__init__()
        self.max_disparity = max_disparity
        self.to_logits = nn.Conv2d(width, 2, 3, padding=1, padding_mode="replicate")
        start = initial_disparity / max_disparity
        nn.init.normal_(self.to_logits.weight, std=1e-3)
        self.to_logits.bias = nn.Parameter(torch.full((2,), math.log(start / (1 - start))))

    def forward(self, features: Tensor) -> Disparity:
        """(b, c, h, w) to a pair of (b, 1, h, w)."""
        # bfloat16 knows some 100 disparities in a picture: neighbours' slopes would be 0
        with without_autocast(features):
            logits = self.to_logits(features.to(self.to_logits.weight))
        both = self.max_disparity * torch.sigmoid(logits.float())
        return Disparity(both[:, :1], both[:, 1:])


class ErrorHead(nn.Module):
    """How far off the left disparity is to be expected, from what the decoder knows.

    It looks and does not touch: no gradient of it reaches the disparities.
    """

    def __init__(self, width: int, hidden: int = 32) -> None:
        super().__init__()
        last = nn.Conv2d(hidden, 1, 1)
        last.bias = nn.Parameter(torch.full((1,), math.log(INITIAL_ERROR)))
        nn.init.normal_(last.weight, std=1e-3)
        first = _convolution(width + 2, hidden)
        self.to_log = nn.Sequential(first, _convolution(hidden, hidden), last)

    def forward(self, features: Tensor, disparity: Disparity) -> Tensor:
        """(b, c, h, w) and the finest disparities to (b, 1, H, W), fraction of the width, > 0.

        One of its inputs is how far both views' disparities disagree.
        """
        left, right = (side.detach() for side in disparity.views)
        seen, _ = warp(right, -left * left.shape[-1])
        clues = torch.cat([10 * left, 100 * (left - seen).abs().clamp_max(0.1)], dim=1)
        clues = functional.interpolate(clues, features.shape[-2:], mode="area")
        logarithm = self.to_log(torch.cat([features.detach(), clues.to(features)], dim=1)).float()
        return _resized(logarithm, (left.shape[-2], left.shape[-1])).exp()


def _as_map(disparity: Disparity) -> DepthMap:
    right = DepthMap(disparity.right, Kind.FRACTION)
    return DepthMap(disparity.left, Kind.FRACTION, error=disparity.error, right=right)


def _resized(disparity: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(disparity, size, mode="bilinear", align_corners=False)


def _convolution(inputs: int, outputs: int, norm: bool = False) -> nn.Sequential:
    # zeros around the border would show as a rim of wrong depth
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")
    layers = [nn.GroupNorm(math.gcd(GROUPS, outputs), outputs)] if norm else []
    return nn.Sequential(convolution, *layers, nn.ELU(inplace=True))
