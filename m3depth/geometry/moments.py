"""Sums over pairs of numbers, from which a line is fitted by least squares."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.affine import Affine, Numbers, without_shift

Mask = Bool[Tensor, "*n"]

FLAT = 1e-7  # a relative spread that is rounding in float32


@dataclass(frozen=True)
class Moments:
    """All that a least squares fit needs to know of pairs (x, y); ``+`` joins those of two frames.

    Attributes:
        count: The pairs, or the sum of their weights.
        mean_x: Mean of x.
        mean_y: Mean of y.
        xx: Sum of squares of x less its mean.
        xy: Sum of products of x and y less their means.
        yy: Sum of squares of y less its mean.
    """

    count: float = 0.0
    mean_x: float = 0.0
    mean_y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    @classmethod
    def of(cls, x: Numbers, y: Numbers, mask: Mask | None = None) -> "Moments":
        """Of the pairs in the mask."""
        x, y = pairs_of(x, y, mask)
        return cls.weighted(x, y, torch.ones_like(x))

    @classmethod
    def weighted(
        cls, x: Float[Tensor, " n"], y: Float[Tensor, " n"], weight: Float[Tensor, " n"]
    ) -> "Moments":
        """Of pairs that count by their weights."""
        total = float(weight.sum())
        if total == 0:
            return cls()
        mean_x, mean_y = float(weight @ x) / total, float(weight @ y) / total
        right, up = x - mean_x, y - mean_y
        xx, xy, yy = (float(weight @ one) for one in (right * right, right * up, up * up))
        return cls(total, mean_x, mean_y, xx, xy, yy)

    def __add__(self, other: "Moments") -> "Moments":
        """Of the pairs of both (Chan et al. 1983)."""
        count = self.count + other.count
        if count == 0:
            return self
        right, up = other.mean_x - self.mean_x, other.mean_y - self.mean_y
        share, between = other.count / count, self.count * other.count / count
        return Moments(
            count,
            self.mean_x + share * right,
            self.mean_y + share * up,
            self.xx + other.xx + between * right * right,
            self.xy + other.xy + between * right * up,
            self.yy + other.yy + between * up * up,
        )

    @property
    def flat(self) -> bool:
        """Whether x is the same everywhere, so that a scale and a shift cannot both be found."""
        return self.xx <= FLAT**2 * (self.xx + self.count * self.mean_x**2)

    def line(self) -> Affine:
        """The least squares fit, whatever its sign; a scale of 0 where x is `flat`."""
        if self.flat:
            return Affine(0.0, self.mean_y, torch.full((2, 2), math.inf, dtype=torch.float64))
        scale = self.xy / self.xx
        left = max(self.yy - scale * self.xy, 0.0)
        noise = left / (self.count - 2) if self.count > 2 else math.inf
        return Affine(scale, self.mean_y - scale * self.mean_x, self.covariance(noise))

    def covariance(self, noise: float) -> Float[Tensor, "2 2"]:
        """Of (scale, shift), where y errs with the variance ``noise``, in each pair on its own."""
        if math.isinf(noise):
            return torch.full((2, 2), math.inf, dtype=torch.float64)
        both, shift = -self.mean_x / self.xx, 1 / self.count + self.mean_x**2 / self.xx
        return noise * torch.tensor([[1 / self.xx, both], [both, shift]], dtype=torch.float64)

    def through_zero(self) -> Affine:
        """The least squares scale alone, whatever its sign; some x is not 0."""
        xx = self.xx + self.count * self.mean_x**2
        xy = self.xy + self.count * self.mean_x * self.mean_y
        left = max(self.yy + self.count * self.mean_y**2 - xy * xy / xx, 0.0)
        noise = left / (self.count - 1) if self.count > 1 else math.inf
        return without_shift(xy / xx, noise / xx)


def pairs_of(
    x: Numbers, y: Numbers, mask: Mask | None
) -> tuple[Float[Tensor, " m"], Float[Tensor, " m"]]:
    """The finite pairs in the mask, in float64."""
    known = x.isfinite() & y.isfinite()
    known = known if mask is None else known & mask
    return x[known].double(), y[known].double()
