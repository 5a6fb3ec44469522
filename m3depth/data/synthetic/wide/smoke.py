"""Smoke in the space between lens and tissue: the same swathes in both views."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw
from m3depth.data.synthetic.march import Rays
from m3depth.data.synthetic.vectors import unit
from m3depth.data.synthetic.wide.ranges import Between, Ranges

SAMPLES = (0.3, 0.55, 0.8)  # of the way to the tissue
WAVES = 3


class Smoke(NamedTuple):
    """Density as waves in the world, about a mean."""

    per_mm: Tensor  # optical depth of a mm on average; 0: none
    wave_vector: Float[Tensor, "waves 3"]  # radian per mm
    phase: Float[Tensor, "waves"]
    brightness: Tensor  # as a share of the picture's mean diffuse light
    colour: Float[Tensor, "3"]


@dataclass(frozen=True)
class AnySmoke(Ranges):
    """None mostly."""

    chance: float = 0.16
    optical_depth: Between = (0.1, 0.9)  # at 80 mm
    length_mm: Between = (25.0, 70.0)
    brightness: Between = (0.7, 2.0)

    def drawn(self, draw: Draw) -> Smoke:
        """The smoke of one scene."""
        there = draw.within((0.0, 1.0)) < self.chance
        direction = unit(torch.randn(1, 3, WAVES, generator=draw.generator))[0].T
        return Smoke(
            per_mm=draw.within(self.optical_depth) / 80 * there,
            wave_vector=direction * (2 * torch.pi / draw.within(self.length_mm, WAVES, 1)),
            phase=draw.angle(WAVES),
            brightness=draw.within(self.brightness),
            colour=1 + draw.within((-0.08, 0.08), 3),
        )


def veiled(
    smoke: Smoke,
    light: Float[Tensor, "1 3 n"],
    rays: Rays,
    depth_mm: Float[Tensor, "1 n"],
    mean_light: Tensor,
) -> Float[Tensor, "1 3 n"]:
    """Beer and Lambert's law along each ray, and the smoke's own light instead."""
    if not smoke.per_mm:
        return light
    density = torch.stack([_density(smoke, rays.at(depth_mm * share)) for share in SAMPLES]).mean(0)
    passing = torch.exp(-smoke.per_mm * depth_mm * density)[:, None]
    own = smoke.brightness * mean_light * smoke.colour[:, None]
    return passing * light + (1 - passing) * own


def _density(smoke: Smoke, point: Float[Tensor, "1 3 n"]) -> Float[Tensor, "1 n"]:
    phase = smoke.wave_vector @ point[0] + smoke.phase[:, None]
    return (1 + phase.sin().sum(0, keepdim=True) * 0.6).clamp_min(0)
