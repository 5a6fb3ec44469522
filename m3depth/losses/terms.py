"""The terms of an objective: which tensors a loss reads, what counts, and with which weight.

Each takes the pyramid, finest scale first, and returns one number. Left and right are added,
scales are added, pixels of the blind region are left out where a term says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.occlusion import unoccluded_left, unoccluded_right
from m3depth.geometry.registration import FEWEST
from m3depth.geometry.surface import surfaces
from m3depth.geometry.synthesis import Views
from m3depth.log import warn_once
from m3depth.losses.consistency import left_right
from m3depth.losses.photometric import appearance
from m3depth.losses.points.correspondences import Correspondences
from m3depth.losses.points.residuals import Reduce, Residual
from m3depth.losses.points.transforms import Transform
from m3depth.losses.smoothness import edge_aware


class Term(Protocol):
    """What an objective adds up."""

    @property
    def weight(self) -> float:
        """Factor of this term in the total."""

    def __call__(self, pyramid: Sequence[Views]) -> Float[Tensor, ""]:
        """The unweighted value."""


@dataclass(frozen=True)
class Photometric:
    """SSIM + L1 between each view and its reconstruction, where the two can be compared."""

    weight: float = 1.0
    ssim_share: float = 0.85

    def __call__(self, pyramid: Sequence[Views]) -> Float[Tensor, ""]:
        """Sum over scales and views of the mean over comparable pixels."""
        return _total(
            mean_visible(appearance(image, warped, self.ssim_share), comparable)
            for views in pyramid
            for image, warped, comparable in zip(
                views.image, views.warped, views.comparable, strict=True
            )
        )


@dataclass(frozen=True)
class LeftRight:
    """2D consistency of the two disparity maps, where both cameras see."""

    weight: float = 1.0

    def __call__(self, pyramid: Sequence[Views]) -> Float[Tensor, ""]:
        """Sum over scales and views of the mean over visible pixels."""
        return _total(
            mean_visible(left_right(disparity, other), visible)
            for views in pyramid
            for disparity, other, visible in zip(
                views.disparity, views.disparity_warped, views.visible, strict=True
            )
        )


@dataclass(frozen=True)
class Smoothness:
    """Edge-aware smoothness, halved at each coarser scale."""

    weight: float = 0.1

    def __call__(self, pyramid: Sequence[Views]) -> Float[Tensor, ""]:
        """Sum over scales and views of the mean over all pixels, divided by 2^scale."""
        return _total(
            edge_aware(disparity, image).mean() / 2**scale
            for scale, views in enumerate(pyramid)
            for disparity, image in zip(views.disparity, views.image, strict=True)
        )


@dataclass(frozen=True)
class PointConsistency:
    """The 3D term at the finest scale: both views' surfaces should be one, in millimetres.

    Attributes:
        weight: Factor of this term in the total.
        correspondences: Which point of the other surface each point is compared with.
        transform: Where a cloud is moved first; the rig's own transform is no motion.
        residual: The distance of two corresponding points.
        reduce: Many distances to one number.
        samples: Points drawn at random from the left view; every pixel if None.
        seen_px: Points that the view's own surface hides from the other camera by more than this
            disparity are left out; none are if None.
    """

    weight: float
    correspondences: Correspondences
    transform: Transform
    residual: Residual
    reduce: Reduce
    samples: int | None = 1000
    seen_px: float | None = None

    def __call__(self, pyramid: Sequence[Views]) -> Float[Tensor, ""]:
        """Mean over the samples that could be registered; 0 if none could."""
        finest = pyramid[0]
        if not finest.rig.calibrated.any():
            warn_once("the 3D consistency term is off: these images have no calibration")
            return finest.disparity.left.new_zeros(())
        with torch.autocast(finest.disparity.left.device.type, enabled=False):
            residual_mm, registered = self.per_sample(finest)
        return mean_where(residual_mm, registered)

    def per_sample(self, views: Views) -> tuple[Float[Tensor, " b"], Bool[Tensor, " b"]]:
        """The residual in mm of each sample, and whether 3 points at least had a counterpart.

        Computed in float32 or better: distances of tenths of a millimetre at depths of 100 mm
        need the digits.
        """
        left, right = surfaces(views.disparity, views.visible, views.rig)
        if self.seen_px is not None:
            left = left.seen_where(unoccluded_left(left.parallax_px, self.seen_px))
            right = right.seen_where(unoccluded_right(right.parallax_px, self.seen_px))
        cloud = left.everywhere() if self.samples is None else left.drawn(self.samples)
        counterparts = self.correspondences(right)
        moved, matched = self.transform(cloud, counterparts, views.rig.baseline_mm)
        valid = moved.valid & matched.valid
        registered = valid.sum(1) >= FEWEST
        distance_mm = self.residual(moved, matched)
        return self.reduce(distance_mm, valid & registered[:, None]), registered


def mean_visible(
    values: Float[Tensor, "b 1 h w"], visible: Bool[Tensor, "b 1 h w"]
) -> Float[Tensor, ""]:
    """Mean over each sample's visible pixels, then over samples; 0 for one that sees nothing.

    Each sample counts once, so that a batch split over processes gives the same loss.
    """
    kept = (values * visible).flatten(1).sum(1) / visible.flatten(1).sum(1).clamp_min(1)
    return kept.mean()


def mean_where(values: Float[Tensor, "..."], keep: Bool[Tensor, "..."]) -> Float[Tensor, ""]:
    """Mean of ``values`` where ``keep``; 0, with gradient 0, where nothing is kept."""
    return (values * keep).sum() / keep.sum().clamp_min(1)


def _total(values: Iterator[Tensor]) -> Tensor:
    first = next(values)
    return sum(values, start=first)
