"""What is on a lens: smudges and condensation, each view's own, in the plane of the picture."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw
from m3depth.data.synthetic.noise import WAVES, look_up, noise_tile
from m3depth.data.synthetic.wide.ranges import Between, Ranges
from m3depth.data.synthetic.wide.sensor import blurred

BRIGHTEST = 3.0  # of light that a smudge spreads: a highlight must not veil the picture
MOST_SMUDGES = 3
UNEVEN = 0.5  # of condensation, from place to place


class Lens(NamedTuple):
    """What is on one lens; lengths in widths of the picture."""

    centre: Float[Tensor, "smudges 2"]  # from -0.5 to 0.5, right and down
    radius: Float[Tensor, "smudges 2"]
    angle: Float[Tensor, "smudges"]
    strength: Float[Tensor, "smudges"]  # share of the light that is spread
    fog: Tensor  # condensation: share of the light spread, at its densest
    fog_from: Tensor  # distance from the middle at which it begins
    fog_offset: Float[Tensor, "2"]
    spread: Tensor  # how far light is spread
    veil: Tensor  # the share of spread light that goes everywhere


@dataclass(frozen=True)
class AnyLens(Ranges):
    """A clean lens mostly."""

    smudge_chance: float = 0.22
    fog_chance: float = 0.08
    radius: Between = (0.04, 0.16)
    strength: Between = (0.3, 0.9)
    fog: Between = (0.3, 0.9)
    fog_from: Between = (-0.1, 0.5)
    spread: Between = (0.015, 0.05)
    veil: Between = (0.0, 0.3)

    def drawn(self, draw: Draw) -> Lens:
        """What is on the lens of one view."""
        smudged, fogged = (
            draw.within((0.0, 1.0), 2) < torch.tensor([self.smudge_chance, self.fog_chance])
        ).tolist()
        count = 1 + draw.whole(MOST_SMUDGES) if smudged else 0
        return Lens(
            centre=draw.within((-0.5, 0.5), count, 2),
            radius=draw.within(self.radius, count, 2),
            angle=draw.angle(count),
            strength=draw.within(self.strength, count),
            fog=draw.within(self.fog) * fogged,
            fog_from=draw.within(self.fog_from),
            fog_offset=draw.within((0.0, 1.0), 2),
            spread=draw.within(self.spread),
            veil=draw.within(self.veil),
        )


def through(lens: Lens, reached: Float[Tensor, "3 h w"]) -> Float[Tensor, "3 h w"]:
    """The light of one view after its lens: spread where that is not clean."""
    if not len(lens.centre) and not lens.fog:
        return reached
    height, width = reached.shape[1:]
    share = _dirt(lens, height, width)
    light = reached.clamp_max(BRIGHTEST)
    near = blurred(light, lens.spread.item() * width)
    everywhere = light.mean(dim=(1, 2), keepdim=True).expand_as(near)
    return torch.lerp(reached, torch.lerp(near, everywhere, lens.veil), share)


def _dirt(lens: Lens, height: int, width: int) -> Float[Tensor, "h w"]:
    """The share of each pixel's light that is spread."""
    across = (torch.arange(width) - (width - 1) / 2) / width
    down = ((torch.arange(height) - (height - 1) / 2) / width)[:, None]
    clear = torch.ones(height, width)
    for centre, radius, angle, strength in zip(
        lens.centre, lens.radius, lens.angle, lens.strength, strict=True
    ):
        x, y = across - centre[0], down - centre[1]
        along, aside = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
        inside = torch.sigmoid(6 * (1 - (along / radius[0]) ** 2 - (aside / radius[1]) ** 2))
        clear = clear * (1 - strength * inside)
    u, v = (across + 0 * down).reshape(1, -1), (down + 0 * across).reshape(1, -1)
    drops = look_up(
        noise_tile()[None], u * 5 / WAVES + lens.fog_offset[0], v * 5 / WAVES + lens.fog_offset[1]
    )
    out = torch.sigmoid(8 * (torch.hypot(across, down) - lens.fog_from))
    fog = (
        lens.fog * out * (1 - UNEVEN / 2 + UNEVEN / 4 * drops[0, 0].view(height, width)).clamp(0, 1)
    )
    return 1 - clear * (1 - fog)
