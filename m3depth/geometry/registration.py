"""What registers point clouds: rigid alignment in closed form, and nearest neighbours."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from kornia.geometry.conversions import quaternion_to_rotation_matrix
from torch import Tensor

FEWEST = 3  # points that fix a motion
TIE_BREAK = 1e-12  # prefers small rotations; of an aligned cloud it turns nothing that shows
MOST_SCORES = 2**18  # held at once: 1 MB, which also stays in a CPU's cache
SQUARINGS = 8  # of a matrix of trace 1 with 4 rows: 4^-256 is far from underflow
POWERS = 6  # enough for the tie-break: (2^8)^6 > 1 / TIE_BREAK


class Motion(NamedTuple):
    """A rigid motion ``x -> R x + t``, in millimetres."""

    rotation: Float[Tensor, "b 3 3"]
    translation: Float[Tensor, "b 3"]

    def apply(self, points: Float[Tensor, "b n 3"]) -> Float[Tensor, "b n 3"]:
        """Move points."""
        return points @ self.rotation.mT + self.translation[:, None]


def rigid_alignment(
    source: Float[Tensor, "b n 3"],
    target: Float[Tensor, "b n 3"],
    weight: Float[Tensor, "b n"],
) -> Motion:
    """The motion that minimises ``Σ w |R s + t - g|²`` for points paired by index (Horn 1987).

    Where several rotations are as good (total weight 0, points on one line or in one spot), the
    smallest of them. Made for registration loops: a GPU never waits for the host, as it would in
    a singular value decomposition. No gradient.
    """
    source, target, weight = source.detach(), target.detach(), weight.detach()
    share = (weight / weight.sum(-1, keepdim=True).clamp_min(1e-12))[..., None]
    source_centre = (share * source).sum(1)
    target_centre = (share * target).sum(1)
    covariance = (share * (source - source_centre[:, None])).mT @ (target - target_centre[:, None])
    quaternion = _largest_eigenvector(_horns_matrix(covariance.double()))
    rotation = quaternion_to_rotation_matrix(quaternion).to(source)
    translation = target_centre - (rotation @ source_centre[..., None])[..., 0]
    return Motion(rotation, translation)


def _horns_matrix(covariance: Float[Tensor, "b 3 3"]) -> Float[Tensor, "b 4 4"]:
    """``q · N q`` is how well the rotation of the unit quaternion ``q`` = (w, x, y, z) aligns."""
    trace = covariance.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None]
    skew = covariance - covariance.mT
    axis = torch.stack([skew[:, 1, 2], skew[:, 2, 0], skew[:, 0, 1]], dim=-1)[:, None]
    same = covariance + covariance.mT
    same.diagonal(dim1=1, dim2=2).sub_(trace[..., 0])
    return torch.cat([torch.cat([trace, axis], 2), torch.cat([axis.mT, same], 2)], 1)


def _largest_eigenvector(symmetric: Float[Tensor, "b 4 4"]) -> Float[Tensor, "b 4"]:
    """Of the largest eigenvalue; of several such, the one nearest the first axis.

    A high power of a matrix is the projection on it, and powers of powers are high soon.
    """
    scale = symmetric.square().sum((1, 2), keepdim=True).sqrt()
    scale = torch.where(scale > 0, scale, 1.0)
    power = symmetric / scale
    power.diagonal(dim1=1, dim2=2).add_(1.0)  # no eigenvalue is negative now
    power[:, 0, 0] += TIE_BREAK
    for _ in range(POWERS):
        for _ in range(SQUARINGS):
            power = torch.bmm(power, power)
        power = power / power.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None]
    longest = power.diagonal(dim1=1, dim2=2).max(-1, keepdim=True).indices
    return power.gather(2, longest[:, None].expand(-1, 4, 1))[..., 0]


class Nearest:
    """Finds the nearest allowed point of a cloud for points of another, index by index.

    Made once, asked in every round of a registration.

    Args:
        among: The cloud, (b, m, 3).
        allowed: Which of its points may be found, (b, m).
    """

    def __init__(self, among: Float[Tensor, "b m 3"], allowed: Bool[Tensor, "b m"]) -> None:
        # argmin |p - a|² = argmin |a|²/2 - p·a: one product, no matrix of distances
        self._centre = among.mean(1, keepdim=True)  # small numbers: the product keeps its digits
        among = among - self._centre
        half_square = (0.5 * among.square().sum(-1)).masked_fill(~allowed, torch.inf)
        self._candidates = torch.cat([-among, half_square[..., None]], -1).mT
        self._few = max(1, MOST_SCORES // max(1, allowed.numel()))

    def __call__(self, points: Float[Tensor, "b n 3"]) -> Int[Tensor, "b n"]:
        """Index of the nearest for each point."""
        queries = torch.nn.functional.pad(points - self._centre, (0, 1), value=1.0)
        # min also gives the index, several times faster than argmin on a CPU
        parts = torch.split(queries, self._few, dim=1)
        return torch.cat([(part @ self._candidates).min(-1).indices for part in parts], dim=1)
