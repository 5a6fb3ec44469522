"""What registers point clouds: rigid alignment in closed form, and nearest neighbours."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

FEWEST = 3  # points that fix a motion


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
    """The motion that minimises ``Σ w |R s + t - g|²`` for points paired by index (Kabsch 1976).

    Total weight 0 gives the identity. Points on one line or in one spot leave the rotation
    undetermined; some proper rotation is returned, and the gradient through it is not defined.
    """
    share = (weight / weight.sum(-1, keepdim=True).clamp_min(1e-12))[..., None]
    source_centre = (share * source).sum(1)
    target_centre = (share * target).sum(1)
    covariance = (share * (source - source_centre[:, None])).mT @ (target - target_centre[:, None])
    u, _, vh = torch.linalg.svd(covariance)
    handedness = torch.ones_like(source_centre)
    handedness[:, 2] = torch.det(vh.mT @ u.mT).sign()
    rotation = (vh.mT * handedness[:, None]) @ u.mT
    translation = target_centre - (rotation @ source_centre[..., None])[..., 0]
    return Motion(rotation, translation)


def nearest(
    points: Float[Tensor, "b n 3"], among: Float[Tensor, "b m 3"], allowed: Bool[Tensor, "b m"]
) -> Int[Tensor, "b n"]:
    """Index of the nearest allowed point for each point."""
    centre = among.mean(1, keepdim=True)  # small numbers: the product keeps its digits
    points, among = points - centre, among - centre
    # argmin |p - a|² = argmin |a|²/2 - p·a: one product, no matrix of distances. min also gives
    # the index, several times faster than argmin on a CPU.
    half_square = (0.5 * among.square().sum(-1)).masked_fill(~allowed, torch.inf)
    ones = points.new_ones(points.shape[:-1])[..., None]
    score = torch.cat([-points, ones], -1) @ torch.cat([among, half_square[..., None]], -1).mT
    return score.min(-1).indices
