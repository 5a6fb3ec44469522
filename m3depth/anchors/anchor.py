"""What is known in millimetres of a few places, and how far a scale and a shift are off it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Ray = Float[NDArray[np.float64], "3"]  # K⁻¹ (x, y, 1)


class Anchor(Protocol):
    """Something known.

    Attributes:
        group: What errs together, such as the anchors in one part of a frame.
        deviation: Standard deviation of what is known, as a share of it; None: nobody said.
    """

    group: str
    deviation: float | None

    @property
    def relative(self) -> tuple[float, ...]:
        """The relative inverse depths that it looks at."""

    def error(self, scale: float, shift: float) -> float:
        """How far off ``1 / z = scale · r + shift`` is, as a share of what is known; signed."""


@dataclass(frozen=True)
class KnownDepth:
    """A place of known depth along z.

    Attributes:
        r: Its relative inverse depth.
        depth_mm: Its depth.
        group: See `Anchor`.
        deviation: See `Anchor`.
    """

    r: float
    depth_mm: float
    group: str
    deviation: float | None = None

    @property
    def relative(self) -> tuple[float, ...]:
        """Of the place."""
        return (self.r,)

    def error(self, scale: float, shift: float) -> float:
        """Linear in both: of the inverse depth, which is what is 1 / depth to first order.

        >>> KnownDepth(0.5, 50.0, "a").error(0.04, 0.0)
        0.0
        """
        return (scale * self.r + shift) * self.depth_mm - 1


@dataclass(frozen=True)
class KnownLength:
    """The straight distance between two places, such as across an instrument's shaft.

    Attributes:
        r: Their relative inverse depths.
        rays: Their rays; the camera must be known.
        length_mm: The distance.
        group: See `Anchor`.
        deviation: See `Anchor`.
    """

    r: tuple[float, float]
    rays: tuple[Ray, Ray]
    length_mm: float
    group: str
    deviation: float | None = None

    @property
    def relative(self) -> tuple[float, ...]:
        """Of both."""
        return self.r

    def error(self, scale: float, shift: float) -> float:
        """Known over found length, less 1: like `KnownDepth`, linear in a scale alone.

        >>> rays = np.array([0.0, 0.0, 1.0]), np.array([0.1, 0.0, 1.0])
        >>> round(KnownLength((0.5, 0.5), rays, 5.0, "a").error(0.04, 0.0), 9)
        0.0
        """
        first, second = (
            ray / max(scale * r + shift, 1e-12) for ray, r in zip(self.rays, self.r, strict=True)
        )
        return self.length_mm / max(float(np.linalg.norm(first - second)), 1e-12) - 1
