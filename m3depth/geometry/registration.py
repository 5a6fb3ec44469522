"""Rigid registration of point clouds: weighted alignment in closed form, and ICP on top of it."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


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
    # argmin |p - a|² = argmin |a|²/2 - p·a: one product, no matrix of distances. min also gives
    # the index, several times faster than argmin on a CPU.
    half_square = (0.5 * among.square().sum(-1)).masked_fill(~allowed, torch.inf)
    ones = points.new_ones(points.shape[:-1])[..., None]
    score = torch.cat([-points, ones], -1) @ torch.cat([among, half_square[..., None]], -1).mT
    return score.min(-1).indices


class Registration(NamedTuple):
    """What ICP found."""

    residual_mm: Float[Tensor, " b"]  # root mean square distance of the matches; 0 where left out
    motion: Motion  # source to target, carries no gradient
    registered: Bool[Tensor, " b"]  # False: fewer than 3 valid points in a cloud, left out


def icp(
    source: Float[Tensor, "b n 3"],
    target: Float[Tensor, "b m 3"],
    source_valid: Bool[Tensor, "b n"],
    target_valid: Bool[Tensor, "b m"],
    iterations: int = 20,
    tolerance: float = 1e-3,
) -> Registration:
    """Iterative closest point, point to point (Besl and McKay 1992), from the identity.

    Matches and motion alternate until a round lowers no sample's residual by more than the share
    ``tolerance`` (0: until no residual falls at all), or for ``iterations`` rounds. Both are
    found without a graph: at fixed matches the motion minimises the sum of squares, hence that
    sum does not change with the motion to first order, and the gradient of the residual with
    both held fixed *is* the gradient of the residual (away from the thin set where a match is
    about to switch). No backward pass runs through an SVD, so degenerate clouds (coplanar,
    collinear, identical) have finite gradients.
    """
    registered = (source_valid.sum(-1) >= 3) & (target_valid.sum(-1) >= 3)
    weight = (source_valid & registered[:, None]).to(source.dtype)
    allowed = target_valid | ~registered[:, None]  # a sample left out still needs some index
    with torch.no_grad():
        motion, match = _converge(source, target, weight, allowed, iterations, tolerance)
    mean_square = _mean_square(motion.apply(source), _picked(target, match), weight)
    # the root's slope is infinite at 0: clouds that already agree must give gradient 0, not NaN
    positive = mean_square > torch.finfo(source.dtype).tiny
    residual = torch.where(positive, torch.where(positive, mean_square, 1.0).sqrt(), 0.0)
    return Registration(residual, motion, registered)


def _converge(
    source: Tensor,
    target: Tensor,
    weight: Tensor,
    allowed: Tensor,
    iterations: int,
    tolerance: float,
) -> tuple[Motion, Tensor]:
    centre = source.mean(
        1, keepdim=True
    )  # small numbers: the product in `nearest` keeps its digits
    source, target = source - centre, target - centre
    moved, residual = source, source.new_full((len(source),), torch.inf)
    for _ in range(iterations):
        match = nearest(moved, target, allowed)
        matched = _picked(target, match)
        motion = rigid_alignment(source, matched, weight)
        moved = motion.apply(source)
        previous, residual = residual, _mean_square(moved, matched, weight).sqrt()
        if not (residual < (1 - tolerance) * previous).any():
            break
    shift = centre[:, 0] - (motion.rotation @ centre[:, 0, :, None])[..., 0]
    return Motion(motion.rotation, motion.translation + shift), match


def _picked(points: Tensor, index: Tensor) -> Tensor:
    return points.gather(1, index[..., None].expand(-1, -1, 3))


def _mean_square(points: Tensor, others: Tensor, weight: Tensor) -> Tensor:
    square = (points - others).square().sum(-1)
    return (weight * square).sum(-1) / weight.sum(-1).clamp_min(1.0)
