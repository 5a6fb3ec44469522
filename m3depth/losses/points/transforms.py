"""Where the source cloud is moved before it is compared: nowhere, or to where ICP takes it.

The rig is known: with the true disparities both surfaces are one surface as they are, and a
motion that makes them agree better comes from errors, not from the rig.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.registration import FEWEST, Motion, rigid_alignment
from m3depth.geometry.surface import Cloud
from m3depth.losses.points.correspondences import Match
from m3depth.losses.points.departure import departure

Parts = TypeVar("Parts", Motion, Cloud)


class MatchedClouds(NamedTuple):
    """Two clouds, index by index, after the source was moved."""

    source: Cloud
    matched: Cloud
    penalty_mm: Float[Tensor, " b"]  # for the motion itself; 0 where none is asked


Transform = Callable[
    [Cloud, Match, Float[Tensor, " b"]], MatchedClouds
]  # the third: baseline in mm


def rig(source: Cloud, match: Match, baseline_mm: Float[Tensor, " b"]) -> MatchedClouds:
    """No motion: both clouds are in the left camera's frame."""
    return MatchedClouds(source, match(source), torch.zeros_like(baseline_mm))


@dataclass(frozen=True)
class Icp:
    """Iterative closest point (Besl and McKay 1992), from where the rig's own transform leads.

    Matches and motion alternate; only the matches have a graph. For those of the last round the
    motion minimises the sum of squared distances, which therefore does not change with it to first
    order: for point-to-point distances and the (root of the) mean of their squares the gradient at
    fixed motion and matches *is* the gradient, away from the thin set where a match is about to
    switch. No backward pass runs through the alignment, so degenerate clouds (coplanar, collinear,
    identical) have finite gradients.

    Attributes:
        iterations: rounds at the most.
        tolerance: a sample's last round is the one that lowers its residual by no more than this
            share.
    """

    iterations: int = 20
    tolerance: float = 1e-3

    def __call__(
        self, source: Cloud, match: Match, baseline_mm: Float[Tensor, " b"]
    ) -> MatchedClouds:
        """The source as the last round moves it, and what it was matched with there."""
        found, matched = self._converged(self._start(source, baseline_mm), source, match)
        moved = source.moved(found)
        return MatchedClouds(moved, matched, self._penalty(source, moved, matched))

    def _start(self, source: Cloud, baseline_mm: Tensor) -> Motion:
        one = torch.eye(3, dtype=source.points.dtype, device=source.points.device)
        nowhere = torch.zeros_like(source.points[:, 0])
        return Motion(one.expand(len(source.points), 3, 3), nowhere)

    def _penalty(self, source: Cloud, moved: Cloud, matched: Cloud) -> Float[Tensor, " b"]:
        return torch.zeros_like(source.points[:, 0, 0])

    def _converged(self, start: Motion, source: Cloud, match: Match) -> tuple[Motion, Cloud]:
        """Each sample's motion after its last round, and the matches of that round."""
        still = Cloud(*(value.detach() for value in source))
        found, kept = start, match(still.moved(start))
        matched = kept
        previous = still.points.new_full((len(still.points),), torch.inf)
        going = torch.ones_like(previous, dtype=torch.bool)
        for _ in range(self.iterations):
            weight = (still.valid & matched.valid).to(still.points)
            aligned = rigid_alignment(still.points, matched.points, weight)
            square = (aligned.apply(still.points) - matched.points.detach()).square().sum(-1)
            residual = ((weight * square).sum(1) / weight.sum(1).clamp_min(1)).sqrt()
            going = going & (weight.sum(1) >= FEWEST)
            found, kept = _where(going, aligned, found), _where(going, matched, kept)
            going = going & (residual < (1 - self.tolerance) * previous)
            if still.points.is_cpu and not going.any():
                break  # on a GPU this question would wait for all work before it
            previous, matched = residual, match(still.moved(found))
        return found, kept


@dataclass(frozen=True)
class IcpNearRig(Icp):
    """The same, with a penalty for leaving the rig's own transform.

    Attributes:
        share: of the root mean square distance in mm that the motion takes the points.
    """

    share: float = 1.0

    def _penalty(self, source: Cloud, moved: Cloud, matched: Cloud) -> Float[Tensor, " b"]:
        return self.share * departure(source, moved, matched)


@dataclass(frozen=True)
class IcpFromOwnFrames(Icp):
    """The same from where each cloud lies in its own camera's frame, as M3Depth publishes it."""

    def _start(self, source: Cloud, baseline_mm: Tensor) -> Motion:
        """In the left camera's frame the left cloud starts a baseline to the right."""
        along = torch.stack([baseline_mm, 0 * baseline_mm, 0 * baseline_mm], dim=-1)
        return super()._start(source, baseline_mm)._replace(translation=along)


def _where(keep: Bool[Tensor, " b"], one: Parts, other: Parts) -> Parts:
    """Of each sample either the one or the other."""
    pairs = zip(one, other, strict=True)
    return type(one)(*(torch.where(keep.view(-1, *[1] * (a.ndim - 1)), a, b) for a, b in pairs))
