"""Other hues on what the network sees, at the same brightness."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.augmentation import Augmentation, uniform
from m3depth.imaging.luma import LUMA
from m3depth.validation import require_number

RED, GREEN, BLUE = LUMA
LEAST = 1e-6


@dataclass(frozen=True)
class Hues(Augmentation):
    """`Augmentation`, and each image's hues turned and made stronger or weaker, luma as it was.

    How bright tissue is tells how near it is to the lamp; which colour it has tells only whose it
    is. So a network that sees one organ in all colours can do with others. Like every recolouring,
    it is on what the network sees: the losses compare clean images.

    Attributes:
        hues: Probability.
        turn_deg: Largest turn of the hues, either way.
        chroma: Least and most of what the colours' distance from grey is multiplied by.

    Raises:
        ConfigError: a probability or a bound that is none.
    """

    hues: float = 0.8
    turn_deg: float = 180.0
    chroma: tuple[float, float] = (0.0, 1.5)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("augmentation.hues", self.hues, 0, 1)
        require_number("augmentation.turn_deg", self.turn_deg, 0, 180)
        self.require_bounds("chroma")

    def recoloured(self, left: Float[Tensor, "b *t 3 h w"]) -> Float[Tensor, "b *t 3 h w"]:
        """One draw per sample: a pair, or a clip."""
        left = super().recoloured(left)
        one = len(left), *[1] * (left.ndim - 1)
        drawn = torch.rand(one, device=left.device) < self.hues
        turn = uniform(left, 1, (-self.turn_deg, self.turn_deg)).deg2rad()
        return torch.where(drawn, turned(left, turn, uniform(left, 1, self.chroma)), left)


def turned(
    image: Float[Tensor, "*b 3 h w"],
    angle: Float[Tensor, "*b 1 1 1"],
    factor: Float[Tensor, "*b 1 1 1"],
) -> Float[Tensor, "*b 3 h w"]:
    """Hues turned by an angle in radians and chroma multiplied by a factor, luma kept.

    In the plane of B - Y and R - Y. Where that would leave [0, 1], chroma is less, and luma kept.
    """
    red, green, blue = image.unbind(-3)
    luma = RED * red + GREEN * green + BLUE * blue
    angle, factor = angle.squeeze(-3), factor.squeeze(-3)
    u, v = blue - luma, red - luma
    u, v = (
        factor * (angle.cos() * u - angle.sin() * v),
        factor * (angle.sin() * u + angle.cos() * v),
    )
    chroma = torch.stack([v, -(RED * v + BLUE * u) / GREEN, u], -3)
    luma = luma.unsqueeze(-3)
    room = torch.where(chroma > 0, 1 - luma, luma) / chroma.abs().clamp_min(LEAST)
    return (luma + chroma * room.amin(-3, keepdim=True).clamp_max(1)).clamp(0, 1)
