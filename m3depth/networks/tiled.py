"""A network that also looks closely: at parts of an image, for what is finer than it sees whole."""

import math
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from kornia.filters import gaussian_blur2d
from torch import Tensor, nn
from torch.nn import functional

from m3depth.types import DepthMap
from m3depth.validation import require_number

Size = tuple[int, int]  # (height, width)

OVERLAP = 4  # a tile shares one part in so many with the next
BLUR = 3.0  # standard deviation in pixels of the whole as the network sees it: beyond, tiles tell
FLAT = 1e-6  # standard deviation, fraction of the width: a tile with less shows nothing


def in_tiles(network: nn.Module, size: Size, tiles: Any) -> tuple[nn.Module, Size]:
    """The network that sees ``tiles`` tiles a side beside the whole, and its size; 1 is itself.

    Raises:
        ConfigError: no such number of tiles.
    """
    require_number("tiles", tiles, 1, whole=True)
    if tiles == 1:
        return network, size
    tiled = Tiled(network, size, tiles)
    return tiled, tiled.canvas


def canvas(size: Size, tiles: int) -> Size:
    """The size of images of which ``tiles`` a side, each of ``size``, are seen."""
    height, width = (side + (tiles - 1) * (side - side // OVERLAP) for side in size)
    return height, width


class Tiled(nn.Module):
    """Depth maps of images larger than the network's, from the whole image and its tiles.

    A tile is not what a network of single images was trained on: it looks like a closer camera,
    and no longer tells how far away everything is. So only the whole, shrunk to the network's
    size, says that. A tile, brought to the whole's mean and spread there, replaces what is finer
    than a blur of the whole; by as much as the two correlate, so not at all where they contradict
    each other. What this is worth: ``experiments/tiles``.
    """

    weights: Tensor

    def __init__(self, network: nn.Module, size: Size, tiles: int) -> None:
        """Wrap a network.

        Args:
            network: images (b, 3, h, w) to a `DepthMap` of their size.
            size: its (h, w).
            tiles: how many a side, which overlap by a quarter. The network sees them one of each
                image at a time, so it needs no more memory than for as many whole images.
        """
        super().__init__()
        self.network, self.size = network, size
        shared = (size[0] // OVERLAP, size[1] // OVERLAP)
        self.step = (size[0] - shared[0], size[1] - shared[1])
        self.canvas = height, width = canvas(size, tiles)  # what `forward` takes
        self.blur_px = (BLUR * height / size[0], BLUR * width / size[1])  # in a tile's pixels
        rows, columns = (_weights(tiles, size[i], shared[i]) for i in range(2))
        weights = (rows[:, None, :, None] * columns[None, :, None, :]).flatten(0, 1)
        self.register_buffer("weights", weights[:, None, None], persistent=False)

    @torch.inference_mode()
    def forward(self, left: Float[Tensor, "b 3 H W"]) -> DepthMap:
        """RGB in [0, 1] of the size `canvas`, and a map of that size.

        The expected error is the whole's: tiles change little of how far it is off.
        """
        seen: DepthMap = self.network(_resized(left, self.size))
        whole = _resized(seen.values, self.canvas)
        error = None if seen.error is None else _resized(seen.error, self.canvas)
        parts = zip(self._cut(left), self._cut(whole), self.weights, strict=True)
        details = [
            weight * self._detail(self.network(image).values, there)
            for image, there, weight in parts
        ]
        values = (whole + self._joined(details)).clamp_min(0)
        return replace(seen, values=values, error=error)

    def _detail(
        self, tile: Float[Tensor, "b 1 h w"], whole: Float[Tensor, "b 1 h w"]
    ) -> Float[Tensor, "b 1 h w"]:
        """What a tile changes of the whole's disparity there."""
        (tile, spread), (whole, whole_spread) = _centred(tile), _centred(whole)
        correlation = (tile * whole).mean((-2, -1), keepdim=True) / (spread * whole_spread)
        return correlation.clamp(0, 1) * self._fine(tile * whole_spread / spread - whole)

    def _fine(self, maps: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
        height, width = (2 * math.ceil(3 * sigma) + 1 for sigma in self.blur_px)
        return maps - gaussian_blur2d(maps, (height, width), self.blur_px, "replicate")

    def _cut(self, images: Float[Tensor, "b c H W"]) -> Float[Tensor, "n b c h w"]:
        (height, width), (down, across) = self.size, self.step
        tiles = images.unfold(-2, height, down).unfold(-2, width, across)
        return tiles.permute(2, 3, 0, 1, 4, 5).flatten(0, 1)

    def _joined(self, tiles: list[Float[Tensor, "b 1 h w"]]) -> Float[Tensor, "b 1 H W"]:
        columns = torch.stack(tiles, dim=-1).flatten(1, -2)
        return functional.fold(columns, self.canvas, self.size, stride=self.step)


def _weights(tiles: int, side: int, shared: int) -> Float[Tensor, "tiles side"]:
    """Of the tiles along a side: 1, but falling to 0 where the next one rises to 1."""
    rising = (torch.arange(shared) + 0.5) / shared
    weights = torch.ones(tiles, side)
    weights[1:, :shared] = rising
    weights[:-1, side - shared :] = rising.flip(0)
    return weights


def _centred(maps: Float[Tensor, "b 1 h w"]) -> tuple[Tensor, Float[Tensor, "b 1 1 1"]]:
    """The deviation from the mean, and its standard deviation, which is at least `FLAT`."""
    deviation = maps - maps.mean((-2, -1), keepdim=True)
    spread = deviation.square().mean((-2, -1), keepdim=True).sqrt()
    return deviation, spread.clamp_min(FLAT)


def _resized(maps: Float[Tensor, "b c _ _"], size: Size) -> Tensor:
    """Edges in place, low-pass filtered where it shrinks."""
    return functional.interpolate(maps, size, mode="bilinear", align_corners=False, antialias=True)
