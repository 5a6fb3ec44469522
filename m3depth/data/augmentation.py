"""M3Depth's augmentation, on whole batches, one draw per sample: a pair, or a clip."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.fields import mirrored
from m3depth.errors import ConfigError
from m3depth.types import StereoBatch
from m3depth.validation import require_number


@dataclass(frozen=True)
class Augmentation:
    """Mirror-and-swap, then gamma, brightness and colour on what the network *sees*.

    The losses compare clean images: only the network's input is recoloured. The defaults are
    M3Depth's. Every draw comes from torch's global generator.

    Raises:
        ConfigError: a probability or a bound that is none.
    """

    mirror: float = 0.5  # probability
    recolour: float = 0.5  # probability
    gamma: Sequence[float] = (0.8, 1.2)
    brightness: Sequence[float] = (0.5, 2.0)
    colour: Sequence[float] = (0.8, 1.2)

    def __post_init__(self) -> None:
        for name in ("mirror", "recolour"):
            require_number(f"augmentation.{name}", getattr(self, name), 0, 1)
        for name in ("gamma", "brightness", "colour"):
            self.require_bounds(name)

    def require_bounds(self, name: str) -> None:
        """A `ConfigError` unless a setting is [least, most], from 0 on."""
        bounds = getattr(self, name)
        if len(bounds) != 2:
            raise ConfigError(f"augmentation.{name}={bounds}: expected [least, most]")
        for bound in bounds:
            require_number(f"augmentation.{name}", bound, 0)

    def __call__(self, batch: StereoBatch) -> tuple[StereoBatch, Float[Tensor, "b *t 3 h w"]]:
        """The pair to compute losses on, clean, and the left image that the network sees."""
        drawn = torch.rand(len(batch["left"]), device=batch["left"].device) < self.mirror
        batch = mirrored(batch, drawn)
        return batch, self.recoloured(batch["left"])

    def recoloured(self, left: Float[Tensor, "b *t 3 h w"]) -> Float[Tensor, "b *t 3 h w"]:
        """What the network sees of clean images; one draw per sample."""
        one = len(left), *[1] * (left.ndim - 1)
        drawn = torch.rand(one, device=left.device) < self.recolour
        gamma = uniform(left, 1, self.gamma)
        gain = uniform(left, 1, self.brightness) * uniform(left, 3, self.colour)
        return torch.where(drawn, (left**gamma * gain).clamp(0, 1), left)


def uniform(like: Tensor, channels: int, bounds: Sequence[float]) -> Tensor:
    """A number from within bounds for each sample and each of so many channels."""
    low, high = bounds
    shape = len(like), *[1] * (like.ndim - 4), channels, 1, 1
    draw = torch.rand(shape, device=like.device, dtype=like.dtype)
    return low + (high - low) * draw
