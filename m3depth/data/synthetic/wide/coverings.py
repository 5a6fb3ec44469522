"""Blood and gauze on the tissue: places of it, so that both views show the same."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw, flat_turn
from m3depth.data.synthetic.noise import WAVES, look_up, noise_tile
from m3depth.data.synthetic.texture import CLEAR_PX, FINEST_PX, Look
from m3depth.data.synthetic.wide.ranges import Between, Ranges


class Blood(NamedTuple):
    """A film that covers where a noise is high, with drops about it."""

    turn: Float[Tensor, "2 2"]  # per mm: a rotation and a stretch, over the wavelength
    offset: Float[Tensor, "2"]
    above: Tensor  # the noise at its edge; beyond any noise: there is none
    colour: Float[Tensor, "3"]  # linear RGB
    depth: Tensor  # 0 to 1: how much of the tissue it hides
    edge: Tensor  # how sharp its edge is, per unit of the noise


class Gauze(NamedTuple):
    """A piece of woven white cloth, flat on the tissue."""

    centre_mm: Float[Tensor, "2"]
    turn: Float[Tensor, "2 2"]  # mm of tissue to the cloth's own half sides
    half_mm: Float[Tensor, "2"]  # 0: there is none
    thread_mm: Tensor  # from thread to thread
    colour: Float[Tensor, "3"]
    soaked: Tensor  # how far blood shows through


@dataclass(frozen=True)
class AnyCoverings(Ranges):
    """Neither mostly."""

    blood_chance: float = 0.4
    blood_length_mm: Between = (10.0, 40.0)
    blood_above: Between = (0.5, 2.0)
    blood_depth: Between = (0.55, 0.97)
    blood_edge: Between = (2.0, 9.0)
    gauze_chance: float = 0.12
    gauze_half_mm: Between = (6.0, 18.0)
    thread_mm: Between = (0.8, 2.0)

    def drawn(self, draw: Draw) -> tuple[Blood, Gauze]:
        """What lies on the tissue of one scene."""
        bloody, dressed = (
            draw.within((0.0, 1.0), 2) < torch.tensor([self.blood_chance, self.gauze_chance])
        ).tolist()
        stretch = draw.within((1.0, 2.2)).sqrt()
        along = torch.diag(torch.stack([stretch, 1 / stretch]))
        red = torch.stack([draw.within((0.3, 0.62)), *draw.within((0.02, 0.13), 2)])
        white = draw.within((0.72, 0.92)) * (1 + draw.within((-0.06, 0.06), 3))
        blood = Blood(
            turn=along @ flat_turn(draw.angle()) / (WAVES * draw.within(self.blood_length_mm)),
            offset=draw.within((0.0, 1.0), 2),
            above=draw.within(self.blood_above) if bloody else torch.tensor(torch.inf),
            colour=red**2.2,
            depth=draw.within(self.blood_depth),
            edge=draw.within(self.blood_edge),
        )
        gauze = Gauze(
            centre_mm=draw.within((-28.0, 28.0), 2),
            turn=flat_turn(draw.angle()),
            half_mm=draw.within(self.gauze_half_mm, 2) * dressed,
            thread_mm=draw.within(self.thread_mm),
            colour=white**2.2,
            soaked=draw.within((0.0, 0.9)),
        )
        return blood, gauze


def covered(
    blood: Blood,
    gauze: Gauze,
    look: Look,
    x: Float[Tensor, "1 n"],
    y: Float[Tensor, "1 n"],
    pixel_mm: Float[Tensor, "1 n"],
) -> Look:
    """The tissue's look with gauze and blood on it, at places of the resting tissue in mm."""
    cloth = torch.zeros_like(x)
    if gauze.half_mm.min() > 0:
        cloth, look = _dressed(gauze, look, x, y, pixel_mm)
    if torch.isinf(blood.above):
        return look
    at = blood.turn @ torch.stack([x[0], y[0]])
    tile = noise_tile()[None]
    pool = look_up(tile, at[:1] + blood.offset[0], at[1:] + blood.offset[1])[:, 0]
    drop = look_up(tile, 4 * at[:1] + blood.offset[1], 4 * at[1:] + blood.offset[0])[:, 1]
    wet = torch.sigmoid(blood.edge * (pool + 0.3 * drop - blood.above)) * (
        1 - cloth * (1 - gauze.soaked)
    )
    hidden = wet * blood.depth
    return Look(
        albedo=torch.lerp(
            look.albedo, blood.colour[:, None].expand_as(look.albedo), hidden[:, None]
        ),
        wetness=torch.lerp(look.wetness, torch.ones_like(wet), wet * (1 - cloth)),
        relief=look.relief * (1 - 0.7 * wet)[:, None],  # a liquid is smooth
    )


def _dressed(
    gauze: Gauze,
    look: Look,
    x: Float[Tensor, "1 n"],
    y: Float[Tensor, "1 n"],
    pixel_mm: Float[Tensor, "1 n"],
) -> tuple[Float[Tensor, "1 n"], Look]:
    """How much of each place is cloth, and the look with it."""
    away = torch.stack([x[0] - gauze.centre_mm[0], y[0] - gauze.centre_mm[1]])
    u, v = (gauze.turn @ away)[:, None]
    tile = noise_tile()[None]
    noise = look_up(tile, u / (WAVES * 9.0), v / (WAVES * 9.0))
    fray, crumple = 0.8 * noise[:, 0], noise[:, 1]
    inside = torch.minimum(gauze.half_mm[0] - u.abs(), gauze.half_mm[1] - v.abs()) + fray
    cloth = torch.sigmoid(4 * inside / pixel_mm.clamp_min(0.3))
    clear = ((gauze.thread_mm / pixel_mm - FINEST_PX) / (CLEAR_PX - FINEST_PX)).clamp(0, 1)
    per_mm = 2 * torch.pi / gauze.thread_mm
    weave = 0.5 + 0.25 * ((u * per_mm).sin() + (v * per_mm).sin())
    shade = (1 + clear * 0.4 * (weave - 0.5)) * (1 + 0.12 * crumple).clamp(0.5, 1.2)
    cotton = (gauze.colour[:, None] * shade[:, None]).clamp(0.005, 0.95)
    return cloth, Look(
        albedo=torch.lerp(look.albedo, cotton, cloth[:, None]),
        wetness=look.wetness * (1 - 0.95 * cloth),
        relief=look.relief * (1 - cloth)[:, None],
    )
