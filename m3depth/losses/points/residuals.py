"""How far a point is from the one it is compared with, and one number for many such distances."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import huber_loss

from m3depth.geometry.surface import Cloud

Residual = Callable[[Cloud, Cloud], Float[Tensor, "b n"]]
Reduce = Callable[[Float[Tensor, "b n"], Bool[Tensor, "b n"]], Float[Tensor, " b"]]


def point_to_point(source: Cloud, matched: Cloud) -> Float[Tensor, "b n"]:
    """``|p - q|`` in mm."""
    return root((source.points - matched.points).square().sum(-1))


def point_to_plane(source: Cloud, matched: Cloud) -> Float[Tensor, "b n"]:
    """``(p - q) · n_q`` in mm, signed (Chen and Medioni 1992)."""
    return ((source.points - matched.points) * matched.normals).sum(-1)


def root_mean_square(
    distance_mm: Float[Tensor, "b n"], valid: Bool[Tensor, "b n"]
) -> Float[Tensor, " b"]:
    """``√ mean d²`` over the valid points, mm; 0, with gradient 0, where there is none."""
    return root(_mean(distance_mm.square(), valid))


@dataclass(frozen=True)
class Huber:
    """Mean of Huber's function over the valid points, in mm: ``|d|``, but smooth at 0.

    Attributes:
        knee_mm: below it ``d² / (2 · knee)``, above it ``|d| - knee / 2``.
        most_mm: what is farther apart than this is not the same surface: left out.
    """

    knee_mm: float = 0.5
    most_mm: float = float("inf")

    def __call__(
        self, distance_mm: Float[Tensor, "b n"], valid: Bool[Tensor, "b n"]
    ) -> Float[Tensor, " b"]:
        """The mean over each sample's valid points; 0, with gradient 0, where there is none."""
        near = valid & (distance_mm.detach().abs() < self.most_mm)
        zero = torch.zeros_like(distance_mm)
        cost = huber_loss(distance_mm.where(near, 0.0), zero, reduction="none", delta=self.knee_mm)
        return _mean(cost / self.knee_mm, near)


def root(square: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """``√``, with gradient 0 at 0: its slope is infinite there, and points may well agree."""
    positive = square > torch.finfo(square.dtype).tiny
    return torch.where(positive, torch.where(positive, square, 1.0).sqrt(), 0.0)


def _mean(values: Float[Tensor, "b n"], valid: Bool[Tensor, "b n"]) -> Float[Tensor, " b"]:
    return torch.where(valid, values, 0.0).sum(1) / valid.sum(1).clamp_min(1)
