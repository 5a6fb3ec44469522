"""Networks that give two frames the camera's motion between them (`MotionNetwork`)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from m3depth.geometry.motion import pose
from m3depth.matching.optical_flow import Flow, dense_flow
from m3depth.networks.video.attention import PatchAttention
from m3depth.networks.video.pair_encoder import PairEncoder
from m3depth.types import PairMotion
from m3depth.validation import require_number

TO_FEATURES = 10.0  # shares of the width: a flow of a tenth of the image is 1


class MotionHead(nn.Module):
    """Six raw numbers to a pose, and features of the pair to cameras."""

    def __init__(self, intrinsics: nn.Module | None, unit: float, start: float) -> None:
        """Build it.

        Args:
            intrinsics: see `m3depth.networks.video.intrinsics`; None: K is given.
            unit: a typical depth: the translation's unit.
            start: what the raw numbers are multiplied by. A motion must begin near none at all, or
                no pixel is found again.
        """
        super().__init__()
        require_number("motion.unit", unit, 1e-6)
        require_number("motion.start", start, 1e-6)
        self.intrinsics, self.unit, self.start = intrinsics, unit, start

    def forward(
        self,
        earlier: Float[Tensor, "b 3 h w"],
        later: Float[Tensor, "b 3 h w"],
        raw: Float[Tensor, "b 6"],
        features: Float[Tensor, "b c"],
    ) -> PairMotion:
        """Axis and angle in radian, then the translation in units."""
        turn, shift = torch.split(self.start * raw.float(), 3, 1)
        found = self.intrinsics(earlier, later, features) if self.intrinsics else None
        return PairMotion(pose(turn, self.unit * shift), found)


class ResNetMotion(nn.Module):
    """A residual network on both images, with attention between patches (EndoSfM3D)."""

    def __init__(
        self,
        encoder: str = "resnet18",
        pretrained: bool | str = False,
        attention: bool = True,
        heads: int = 8,
        patch: int = 8,
        dropout: float = 0.1,
        intrinsics: nn.Module | None = None,
        unit: float = 1.0,
        start: float = 0.01,
    ) -> None:
        """Build it.

        Args:
            encoder: any timm model that gives feature maps.
            pretrained: see `PairEncoder`.
            attention: see `PatchAttention`; on the second and the fourth map: of a residual
                network, after its first and third stage.
            heads: see `PatchAttention`.
            patch: see `PatchAttention`.
            dropout: see `PatchAttention`.
            intrinsics: see `MotionHead`; gets 256 features.
            unit: see `MotionHead`.
            start: see `MotionHead`.
        """
        super().__init__()
        self.encoder = PairEncoder(encoder, pretrained)
        channels = self.encoder.channels
        for place in (1, 3) if attention else ():
            self.encoder.follow(place, PatchAttention(channels[place], heads, patch, dropout))
        self.squeeze = nn.Sequential(nn.Conv2d(channels[-1], 256, 1), nn.ReLU(inplace=True))
        self.to_raw = nn.Sequential(_layer(256, 256), _layer(256, 256), nn.Conv2d(256, 6, 1))
        self.head = MotionHead(intrinsics, unit, start)

    def forward(
        self, earlier: Float[Tensor, "b 3 h w"], later: Float[Tensor, "b 3 h w"]
    ) -> PairMotion:
        """RGB in [0, 1], in the order of time."""
        features = self.squeeze(self.encoder(earlier, later)[-1])
        raw = self.to_raw(features).mean((-2, -1))
        motion: PairMotion = self.head(earlier, later, raw, features.mean((-2, -1)))
        return motion


class SmallMotion(nn.Module):
    """A few strided convolutions on both images, for CPUs."""

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 96, 128),
        intrinsics: nn.Module | None = None,
        unit: float = 1.0,
        start: float = 0.01,
    ) -> None:
        """Build it.

        Args:
            widths: of the layers, each of half the size of the one before.
            intrinsics: see `MotionHead`; gets as many features as the last layer.
            unit: see `MotionHead`.
            start: see `MotionHead`.
        """
        super().__init__()
        inputs = (6, *widths[:-1])
        self.layers = nn.Sequential(*(_layer(a, b, 2) for a, b in zip(inputs, widths, strict=True)))
        self.to_raw = nn.Sequential(_layer(widths[-1], widths[-1]), nn.Conv2d(widths[-1], 6, 1))
        self.head = MotionHead(intrinsics, unit, start)

    def forward(
        self, earlier: Float[Tensor, "b 3 h w"], later: Float[Tensor, "b 3 h w"]
    ) -> PairMotion:
        """RGB in [0, 1], in the order of time."""
        features = self.layers(torch.cat([earlier, later], 1) - 0.5)
        raw = self.to_raw(features).mean((-2, -1))
        motion: PairMotion = self.head(earlier, later, raw, features.mean((-2, -1)))
        return motion


class FlowMotion(nn.Module):
    """Reads the motion from a dense optical flow, by a few layers: learned in minutes on a CPU.

    The flow of a motion is nearly linear in it; a network of the images would have to learn
    matching first. The flow is OpenCV's (`dense_flow`), so no gradient reaches the images.
    """

    def __init__(
        self,
        grid: Sequence[int] = (12, 16),
        width: int = 128,
        intrinsics: nn.Module | None = None,
        unit: float = 1.0,
        start: float = 0.1,
    ) -> None:
        """Build it.

        Args:
            grid: (rows, columns) that the flow is averaged to, over pixels that can be trusted.
            width: of the layers.
            intrinsics: see `MotionHead`; gets ``width`` features.
            unit: see `MotionHead`.
            start: see `MotionHead`.
        """
        super().__init__()
        self.grid = grid[0], grid[1]
        numbers = 3 * grid[0] * grid[1]
        self.layers = nn.Sequential(
            *(nn.Linear(numbers, width), nn.ELU(inplace=True)),
            *(nn.Linear(width, width), nn.ELU(inplace=True)),
        )
        self.to_raw, self.straight = nn.Linear(width, 6), nn.Linear(numbers, 6)
        for layer in (self.to_raw, self.straight):
            nn.init.normal_(layer.weight, std=1e-3)
            nn.init.zeros_(layer.bias)
        self.head = MotionHead(intrinsics, unit, start)

    def forward(
        self, earlier: Float[Tensor, "b 3 h w"], later: Float[Tensor, "b 3 h w"]
    ) -> PairMotion:
        """RGB in [0, 1], in the order of time."""
        seen = _on_grid(dense_flow(earlier, later).there, self.grid)
        features = self.layers(seen)
        raw = self.to_raw(features) + self.straight(seen)
        motion: PairMotion = self.head(earlier, later, raw, features)
        return motion


def _on_grid(flow: Flow, grid: tuple[int, int]) -> Float[Tensor, "b n"]:
    """The mean flow of each cell, in tenths of the width, and how much of it is trusted."""
    trusted = flow.trusted.to(flow.px)
    share = functional.adaptive_avg_pool2d(trusted, grid)
    mean = functional.adaptive_avg_pool2d(flow.px * trusted, grid) / share.clamp_min(0.05)
    return torch.cat([mean * (TO_FEATURES / flow.px.shape[-1]), share - 0.5], 1).flatten(1)


def _layer(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1)
    return nn.Sequential(convolution, nn.ELU(inplace=True))
