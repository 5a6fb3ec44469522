"""M3Depth's augmentation, on whole batches, one draw per pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.errors import ConfigError
from m3depth.geometry.camera import StereoRig
from m3depth.options import require_number
from m3depth.types import StereoBatch


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
            bounds = getattr(self, name)
            if len(bounds) != 2:
                raise ConfigError(f"augmentation.{name}={bounds}: expected [least, most]")
            for bound in bounds:
                require_number(f"augmentation.{name}", bound, 0)

    def __call__(self, batch: StereoBatch) -> tuple[StereoBatch, Float[Tensor, "b 3 h w"]]:
        """The pair to compute losses on, clean, and the left image that the network sees."""
        mirrored = torch.rand(len(batch["left"]), device=batch["left"].device) < self.mirror
        batch = mirror_and_swap(batch, mirrored)
        return batch, self._recoloured(batch["left"])

    def _recoloured(self, left: Tensor) -> Tensor:
        drawn = torch.rand(len(left), 1, 1, 1, device=left.device) < self.recolour
        gamma = _uniform(left, 1, self.gamma)
        gain = _uniform(left, 1, self.brightness) * _uniform(left, 3, self.colour)
        return torch.where(drawn, (left**gamma * gain).clamp(0, 1), left)


def mirror_and_swap(batch: StereoBatch, mirrored: Bool[Tensor, " b"]) -> StereoBatch:
    """Mirror both images and swap them, for the samples in ``mirrored``.

    A mirror alone would make disparity negative; the swap makes it positive again, and the
    principal points become ``W - 1 - cx`` of the *other* view. Ground truth, which belongs to
    the old left view, is dropped.
    """
    left, right, rig = batch["left"], batch["right"], batch["rig"]
    pick = mirrored[:, None, None, None]
    rigs = zip(rig.mirrored(left.shape[-1]), rig, strict=True)
    swapped = StereoBatch(
        left=torch.where(pick, right.flip(-1), left),
        right=torch.where(pick, left.flip(-1), right),
        rig=StereoRig(*(torch.where(mirrored, one, other) for one, other in rigs)),
        key=batch["key"],
    )
    if "ignore" in batch:
        swapped["ignore"] = torch.where(pick, batch["ignore"].flip(1, -1), batch["ignore"])
    return swapped


def _uniform(like: Tensor, channels: int, bounds: Sequence[float]) -> Tensor:
    low, high = bounds
    draw = torch.rand(len(like), channels, 1, 1, device=like.device, dtype=like.dtype)
    return low + (high - low) * draw
