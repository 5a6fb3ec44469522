"""Which points of a surface are looked at."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from m3depth.geometry.surface import Cloud, Surface
from m3depth.validation import require_number

Sampling = Callable[[Surface], Cloud]


@dataclass(frozen=True)
class Drawn:
    """Random visible pixels (M3Depth: 1000), each as likely as any other, with replacement."""

    count: int = 1000

    def __post_init__(self) -> None:
        require_number("points.count", self.count, 1, whole=True)

    def __call__(self, surface: Surface) -> Cloud:
        """New ones at each call."""
        return surface.drawn(self.count)


@dataclass(frozen=True)
class Lattice:
    """Every n-th pixel of every n-th row from a random one on, so that over time each is used."""

    every: int = 2

    def __post_init__(self) -> None:
        require_number("points.every", self.every, 1, whole=True)

    def __call__(self, surface: Surface) -> Cloud:
        """Hidden pixels are included, as not valid."""
        row, column = torch.randint(self.every, (2,)).tolist()
        return surface.lattice(self.every, row, column)
