"""Vessel trees: branching curved lines on a periodic tile in millimetres."""

import math
from functools import cache
from random import Random
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.noise import wrapped

TILE = 512  # texels along one side
TILE_MM = 90.0
TREES = 4  # different tiles to choose from
BLURS_MM = (0.15, 0.3, 0.6, 1.2)  # one channel each: what a coarser and coarser pixel sees
STEP_MM = 0.3
THINNEST_MM = 0.16


class Twig(NamedTuple):
    """The growing end of a vessel."""

    x_mm: float
    y_mm: float
    heading: float
    width_mm: float


@cache
def vessel_tiles() -> Float[Tensor, "tiles blurs 513 513"]:
    """How much of a pixel is vessel, 0 to 1, for each tree and each blur of `BLURS_MM`."""
    return torch.stack([_blurred(_drawn(_grown(Random(seed)))) for seed in range(TREES)])


def _grown(random: Random, trunks: int = 9) -> list[Twig]:
    """Every position of a few trees that wander, thin out and branch."""
    ends = [
        Twig(
            random.uniform(0, TILE_MM),
            random.uniform(0, TILE_MM),
            random.uniform(0, 2 * math.pi),
            random.choice((0.5, 0.8, 1.3)) * random.uniform(0.8, 1.3),
        )
        for _ in range(trunks)
    ]
    grown: list[Twig] = []
    while ends:
        twig, bend = ends.pop(), 0.0
        while twig.width_mm > THINNEST_MM:
            grown.append(twig)
            bend = 0.93 * bend + random.gauss(0, 0.014)  # curvature has a memory: no zigzag
            heading = twig.heading + bend
            forks = random.random() < 0.03
            if forks:
                away = random.choice((-1, 1)) * random.uniform(0.4, 1.0)
                ends.append(twig._replace(heading=heading + away, width_mm=0.7 * twig.width_mm))
            twig = Twig(
                twig.x_mm + STEP_MM * math.cos(heading),
                twig.y_mm + STEP_MM * math.sin(heading),
                heading,
                twig.width_mm * (0.9 if forks else 0.9965),
            )
    return grown


def _drawn(twigs: list[Twig]) -> Float[Tensor, "512 512"]:
    """Coverage by discs at the twigs, the darker the wider."""
    x, y, _, width = torch.tensor(twigs).T * (TILE / TILE_MM)
    reach = int(width.max() / 2) + 3
    window = torch.arange(-reach, reach + 1)
    columns = x.long()[:, None, None] + window
    rows = y.long()[:, None, None] + window[:, None]
    distance = torch.hypot(columns - x[:, None, None], rows - y[:, None, None])
    inside = (width[:, None, None] / 2 - distance + 0.5).clamp(0, 1)
    depth = (0.6 + 0.1 * width[:, None, None]).clamp(max=1)
    texel = (rows % TILE) * TILE + columns % TILE
    canvas = torch.zeros(TILE * TILE)
    canvas.scatter_reduce_(0, texel.flatten(), (inside * depth).flatten(), "amax")
    return canvas.view(TILE, TILE)


def _blurred(coverage: Float[Tensor, "512 512"]) -> Float[Tensor, "blurs 513 513"]:
    frequency = torch.fft.fftfreq(TILE, TILE_MM / TILE)  # cycles per mm
    radius = torch.hypot(frequency[:, None], frequency)
    blur = torch.stack([torch.exp(-2 * (torch.pi * radius * sigma) ** 2) for sigma in BLURS_MM])
    return wrapped(torch.fft.ifft2(torch.fft.fft2(coverage) * blur).real)
