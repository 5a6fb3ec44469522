"""Who decides a frame's intrinsics: the pair, the frame, the lens or the camera.

Each takes (earlier image, later image, features of the pair) to cameras with fields (b, 2), and is
chosen by its class path, ``system.motion.intrinsics``.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.networks.video.lens import Bounds
from m3depth.types import StereoRig

SMALL_START = 1e-3  # of the last layer's weights: an untrained head is near the middle


class Intrinsics(Protocol):
    """A `torch.nn.Module` that gives both frames of a pair their cameras."""

    def __call__(
        self,
        earlier: Float[Tensor, "b 3 h w"],
        later: Float[Tensor, "b 3 h w"],
        features: Float[Tensor, "b c"],
    ) -> StereoRig:
        """Fields (b, 2), at the images' size."""


class Bounded(nn.Module):
    """What all of them share, and are known by: the bounds."""

    def __init__(
        self,
        shortest: float = 0.4,
        longest: float = 2.5,
        aspect: float = 1.25,
        centre: float = 0.25,
    ) -> None:
        """Keep the bounds, see `Bounds`."""
        super().__init__()
        self.bounds = Bounds(shortest, longest, aspect, centre)

    def cameras(self, raw: Float[Tensor, "b 2 4"], like: Tensor) -> StereoRig:
        """At the size of an image."""
        return self.bounds.camera(raw, (like.shape[-2], like.shape[-1]))


class PerPair(Bounded):
    """One camera for both frames of a pair, from what the motion network saw (EndoSfM3D)."""

    def __init__(self, features: int = 256, **bounds: float) -> None:
        """``features`` of the motion network; ``bounds``: see `Bounds`."""
        super().__init__(**bounds)
        self.to_raw = nn.Sequential(nn.Linear(features, 64), nn.ELU(), _last(64, 4))

    def forward(self, earlier: Tensor, later: Tensor, features: Tensor) -> StereoRig:
        """See `Intrinsics`."""
        raw = self.to_raw(features.float())
        return self.cameras(raw[:, None].expand(-1, 2, -1), earlier)


class PerFrame(Bounded):
    """A camera for each frame, from that frame alone: so it is the same in all of its pairs."""

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 64),
        grid: Sequence[int] = (6, 8),
        **bounds: float,
    ) -> None:
        """``widths`` of the layers, ``grid`` they are pooled to; ``bounds``: see `Bounds`."""
        super().__init__(**bounds)
        self.frame = FrameNumbers(widths, grid, 4)

    def forward(self, earlier: Tensor, later: Tensor, features: Tensor) -> StereoRig:
        """See `Intrinsics`."""
        raw = torch.stack([self.frame(earlier), self.frame(later)], 1)
        return self.cameras(raw, earlier)


class OneCamera(Bounded):
    """One camera for all that is trained on: four numbers that no image changes.

    Mirrored images have another one: train without ``augmentation.mirror``.
    """

    def __init__(self, rate: float = 20.0, **bounds: float) -> None:
        """``rate``: of learning, a multiple of the optimizer's; ``bounds``: see `Bounds`."""
        super().__init__(**bounds)
        self.rate = rate
        self.raw = nn.Parameter(torch.zeros(4))

    def forward(self, earlier: Tensor, later: Tensor, features: Tensor) -> StereoRig:
        """See `Intrinsics`."""
        return self.cameras(self.raw.expand(len(earlier), 2, 4), earlier)

    def own_rates(self) -> list[dict[str, object]]:
        """For the optimizer, see `System`: few numbers, far to go."""
        return [{"params": [self.raw], "rate": self.rate}]


class ZoomLens(OneCamera):
    """One camera whose lens zooms: a focal length for each frame, one principal point and aspect.

    A frame's own principal point is hardly told apart from a turn of the camera, its focal length
    is: so many fewer numbers are left to find.
    """

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 64),
        grid: Sequence[int] = (6, 8),
        rate: float = 20.0,
        frame_rate: float = 3.0,
        **bounds: float,
    ) -> None:
        """See `PerFrame` and `OneCamera`; ``frame_rate``: of learning what a frame tells."""
        super().__init__(rate, **bounds)
        self.frame_rate = frame_rate
        self.focal = FrameNumbers(widths, grid, 1)

    def own_rates(self) -> list[dict[str, object]]:
        """For the optimizer, see `System`."""
        frames = {"params": [*self.focal.parameters()], "rate": self.frame_rate}
        return [*super().own_rates(), frames]

    def forward(self, earlier: Tensor, later: Tensor, features: Tensor) -> StereoRig:
        """See `Intrinsics`."""
        focal = torch.stack([self.focal(earlier), self.focal(later)], 1)
        others = torch.zeros_like(focal).expand(-1, -1, 3)
        return self.cameras(self.raw + torch.cat([focal, others], -1), earlier)


class FrameNumbers(nn.Module):
    """A few numbers from one image, by strided convolutions."""

    def __init__(self, widths: Sequence[int], grid: Sequence[int], numbers: int) -> None:
        """``widths`` of the layers, ``grid`` (rows, columns) they are pooled to."""
        super().__init__()
        layers, inputs = [], 3
        for width in widths:
            layers += [nn.Conv2d(inputs, width, 3, 2, 1), nn.ELU(inplace=True)]
            inputs = width
        pooled = nn.AdaptiveAvgPool2d((grid[0], grid[1]))
        self.layers = nn.Sequential(*layers, pooled, nn.Flatten())
        self.last = _last(inputs * grid[0] * grid[1], numbers)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n"]:
        """RGB in [0, 1]; small numbers at first."""
        numbers: Tensor = self.last(self.layers(image - 0.5).float())
        return numbers


def _last(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, std=SMALL_START)
    nn.init.zeros_(layer.bias)
    return layer
