"""Where the source cloud is moved before it is compared: nowhere, or to where ICP takes it.

The rig is known: with the true disparities both surfaces are one surface as they are, and a
motion that makes them agree better is an error's, not the rig's.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.geometry.registration import FEWEST, Motion, rigid_alignment
from m3depth.geometry.surface import Cloud
from m3depth.losses.points.correspondences import Match

Compared = tuple[Cloud, Cloud]  # the moved source, and the target's points for it
Transform = Callable[[Cloud, Match, Float[Tensor, " b"]], Compared]  # the third: baseline in mm


def rig(source: Cloud, match: Match, baseline_mm: Float[Tensor, " b"]) -> Compared:
    """No motion: both clouds are in the left camera's frame."""
    return source, match(source)


@dataclass(frozen=True)
class Icp:
    """Iterative closest point (Besl and McKay 1992), from where the rig's own transform leads.

    Matches and motion alternate, without a graph; then the matches of the last round are taken
    with one. For these the motion minimises the sum of squared distances, which therefore does not
    change with it to first order: for point-to-point distances and the (root of the) mean of their
    squares the gradient at fixed motion and matches *is* the gradient, away from the thin set
    where a match is about to switch. No backward pass runs through an SVD, so degenerate clouds
    (coplanar, collinear, identical) have finite gradients.

    Attributes:
        iterations: rounds at the most.
        tolerance: ends when a round lowers no sample's residual by more than this share.
    """

    iterations: int = 20
    tolerance: float = 1e-3

    def __call__(self, source: Cloud, match: Match, baseline_mm: Float[Tensor, " b"]) -> Compared:
        """The source as the last round moves it, and what it was matched with there."""
        return self._from(_identity(source.points), source, match)

    def _from(self, start: Motion, source: Cloud, match: Match) -> Compared:
        asked, found = self._converged(start, source, match)
        return source.moved(found), match(source.moved(asked))

    @torch.no_grad()
    def _converged(self, start: Motion, source: Cloud, match: Match) -> tuple[Motion, Motion]:
        """Where the last round asked for matches, and where they moved the source."""
        found = start
        previous = source.points.new_full((len(source.points),), torch.inf)
        for _ in range(self.iterations):
            asked = found
            matched = match(source.moved(asked))
            weight = (source.valid & matched.valid).to(source.points)
            aligned = rigid_alignment(source.points, matched.points, weight)
            found = _where(weight.sum(1) >= FEWEST, aligned, asked)
            square = (found.apply(source.points) - matched.points).square().sum(-1)
            residual = ((weight * square).sum(1) / weight.sum(1).clamp_min(1)).sqrt()
            if not (residual < (1 - self.tolerance) * previous).any():
                break
            previous = residual
        return asked, found


@dataclass(frozen=True)
class IcpFromOwnFrames(Icp):
    """The same from where each cloud lies in its own camera's frame, as M3Depth publishes it."""

    def __call__(self, source: Cloud, match: Match, baseline_mm: Float[Tensor, " b"]) -> Compared:
        """The same; in the left camera's frame the left cloud starts a baseline to the right."""
        along = torch.stack([baseline_mm, 0 * baseline_mm, 0 * baseline_mm], dim=-1)
        return self._from(_identity(source.points)._replace(translation=along), source, match)


def _identity(points: Tensor) -> Motion:
    one = torch.eye(3, dtype=points.dtype, device=points.device)
    return Motion(one.expand(len(points), 3, 3), torch.zeros_like(points[:, 0]))


def _where(keep: Tensor, one: Motion, other: Motion) -> Motion:
    rotation = torch.where(keep[:, None, None], one.rotation, other.rotation)
    return Motion(rotation, torch.where(keep[:, None], one.translation, other.translation))
