"""What is known in millimetres of a few places, and how far a scale and a shift are off it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy.typing import NDArray

LEAST = 1e-12  # of an inverse depth, and of a length: what is behind infinity is off without bounds


@dataclass(frozen=True)
class Anchors:
    """Places of known depth, and pairs of places of known distance, such as across a shaft.

    Attributes:
        r: Relative inverse depths; of a known depth the same one twice.
        rays: ``K⁻¹ (x, y, 1)`` of both places; not looked at for a known depth.
        known_mm: Depth along z, or the straight distance of the two places.
        is_length: Which of both it is.
        deviation: Standard deviation as a share of what is known; NaN: nobody said.
        group: What errs together has the same name, such as all in one part of a frame.
    """

    r: Float[NDArray[np.float64], "n 2"]
    rays: Float[NDArray[np.float64], "n 2 3"]
    known_mm: Float[NDArray[np.float64], " n"]
    is_length: Bool[NDArray[np.bool_], " n"]
    deviation: Float[NDArray[np.float64], " n"]
    group: Shaped[NDArray, " n"]  # type: ignore[type-arg]

    @classmethod
    def depth(cls, r: float, depth_mm: float, group: str, deviation: float = np.nan) -> Self:
        """One place of known depth."""
        rays = np.zeros((1, 2, 3))
        return cls._one(np.array([[r, r]]), rays, depth_mm, False, deviation, group)

    @classmethod
    def length(
        cls,
        r: tuple[float, float],
        rays: Float[NDArray[np.float64], "2 3"],
        length_mm: float,
        group: str,
        deviation: float = np.nan,
    ) -> Self:
        """Two places of known distance."""
        return cls._one(np.array([r]), rays[None], length_mm, True, deviation, group)

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """All of them."""
        fields = zip(*(vars(one).values() for one in parts), strict=True)
        return cls(*(np.concatenate(one) for one in fields))

    def __len__(self) -> int:
        return len(self.known_mm)

    def where(self, keep: Bool[NDArray[np.bool_], " n"]) -> Self:
        """Some of them."""
        return type(self)(*(one[keep] for one in vars(self).values()))

    def error(self, scale: float, shift: float) -> Float[NDArray[np.float64], " n"]:
        """How far off ``1 / z = scale · r + shift`` is, as a share of what is known; signed.

        Linear in a scale alone: known over found, less 1.

        >>> Anchors.depth(0.5, 50.0, "a").error(0.04, 0.0)
        array([0.])
        """
        inverse = scale * self.r + shift
        points = self.rays / np.maximum(inverse, LEAST)[..., None]
        found_mm = np.linalg.norm(points[:, 0] - points[:, 1], axis=-1)
        inverse_found = np.where(self.is_length, 1 / np.maximum(found_mm, LEAST), inverse[:, 0])
        share: Float[NDArray[np.float64], " n"] = self.known_mm * inverse_found - 1
        return share

    @classmethod
    def _one(
        cls,
        r: Float[NDArray[np.float64], "1 2"],
        rays: Float[NDArray[np.float64], "1 2 3"],
        known_mm: float,
        is_length: bool,
        deviation: float,
        group: str,
    ) -> Self:
        numbers = (np.array([known_mm]), np.array([is_length]), np.array([deviation]))
        return cls(r.astype(np.float64), rays.astype(np.float64), *numbers, np.array([group]))
