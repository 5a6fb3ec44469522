"""Lamps around the lens, and the light that they throw on what the rays met."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw
from m3depth.data.synthetic.shading import Light, Lit, Met
from m3depth.data.synthetic.vectors import dot, length, unit
from m3depth.data.synthetic.wide.ranges import Between, Ranges

MOST_LAMPS = 3


class Lamps(NamedTuple):
    """The lamps of one endoscope, fixed to its left camera."""

    offset_mm: Float[Tensor, "lamps 3"]  # in the left camera's frame
    size_mm: Float[Tensor, "lamps"]  # radius of the outlet
    cone: Float[Tensor, "lamps"]  # exponent of the fall-off away from the optical axis
    colour: Float[Tensor, "lamps 3"]  # times the lamp's share of the power; the shares add up to 1
    ambient: Float[Tensor, ""]  # light that other tissue throws back, as a share


@dataclass(frozen=True)
class AnyLamps(Ranges):
    """One to three lamps, from wide beams to spots, beside or above the lens, not beneath it."""

    several_chance: float = 0.5  # two or three lamps
    angle_deg: Between = (150.0, 390.0)  # where around the lens: 0 right of it, 90 beneath
    aside_mm: Between = (1.0, 9.0)  # from the optical axis
    size_mm: Between = (0.3, 3.5)
    cone: Between = (0.5, 10.0)
    warmth: Between = (-0.12, 0.22)  # logarithm of red over blue
    ambient: Between = (0.03, 0.25)

    def drawn(self, draw: Draw) -> Lamps:
        """The lamps of one scene."""
        several = draw.within((0.0, 1.0)) < self.several_chance
        count = 2 + draw.whole(MOST_LAMPS - 1) if several else 1
        angle, aside = draw.within(self.angle_deg, count), draw.within(self.aside_mm, count)
        angle = torch.deg2rad(angle)
        offset = torch.stack([angle.cos() * aside, angle.sin() * aside, torch.zeros(count)], -1)
        share = draw.within((0.25, 1.0), count)
        return Lamps(
            offset_mm=offset,
            size_mm=draw.within(self.size_mm, count),
            cone=draw.within(self.cone, count),
            colour=tint(draw.within(self.warmth, count)) * (share / share.sum())[:, None],
            ambient=draw.within(self.ambient),
        )


def own_lamp(light: Light) -> Lamps:
    """The one small lamp of a built-in endoscope."""
    return Lamps(
        offset_mm=light.offset_mm[None],
        size_mm=torch.zeros(1),
        cone=light.cone[None],
        colour=light.colour[None],
        ambient=light.ambient,
    )


def tint(warmth: Float[Tensor, "*b"]) -> Float[Tensor, "*b 3"]:
    """Gains of red, green and blue whose red is ``exp(warmth)`` times their blue."""
    return torch.stack([warmth / 2, torch.zeros_like(warmth), -warmth / 2], -1).exp()


def lit_by(
    lamps: Lamps,
    gloss: Float[Tensor, "1"],
    shininess: Float[Tensor, "1"],
    met: Met,
    eye: Float[Tensor, "1 3 n"],
    camera_to_world: Float[Tensor, "1 4 4"],
) -> Lit:
    """`shading.lit` under each lamp in turn: Lambert's law, Blinn-Phong, inverse-square fall-off.

    A lamp's size takes the point out of the fall-off near it, and widens its highlights.
    """
    to_eye = unit(eye - met.point)
    of_each = [
        _lit(lamps, k, gloss, shininess, met, to_eye, camera_to_world)
        for k in range(len(lamps.cone))
    ]
    return Lit(
        sum_of([light.diffuse for light in of_each]), sum_of([light.highlight for light in of_each])
    )


def sum_of(parts: list[Tensor]) -> Tensor:
    """The sum of tensors of one shape."""
    return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]


def _lit(
    lamps: Lamps,
    k: int,
    gloss: Float[Tensor, "1"],
    shininess: Float[Tensor, "1"],
    met: Met,
    to_eye: Float[Tensor, "1 3 n"],
    camera_to_world: Float[Tensor, "1 4 4"],
) -> Lit:
    rotation, centre = camera_to_world[:, :3, :3], camera_to_world[:, :3, 3:]
    from_point = rotation @ lamps.offset_mm[k, :, None] + centre - met.point
    distance = length(from_point)
    to_lamp = from_point / distance
    in_cone = (-(rotation[:, :, 2:].mT @ to_lamp)).clamp_min(1e-3)
    falloff = in_cone ** lamps.cone[k] / (distance**2 + lamps.size_mm[k] ** 2)
    light = falloff * lamps.colour[k, :, None]
    facing = dot(met.normal, to_lamp).clamp_min(0)
    # Light that left the tissue once already is redder: its albedo counts again.
    returned = lamps.ambient * met.albedo.sqrt()
    diffuse = met.albedo * light * ((1 - lamps.ambient) * facing + returned)
    half = unit(to_lamp + to_eye)
    spread = 1 / shininess + (lamps.size_mm[k] / (2 * distance)) ** 2  # variances add up
    sharp = dot(met.wet_normal, half).clamp_min(1e-4) ** (1 / spread)
    strength = (gloss[:, None] * met.gloss)[:, None] * (facing > 0)
    return Lit(diffuse, strength * sharp * light)
