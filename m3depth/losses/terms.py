"""The terms of an objective: which tensors a loss reads, what counts, and with which weight.

Each takes the pyramid, finest scale first, and gives a value for every sample. Left and right are
added, scales are added, pixels of the blind region are left out where a term says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.occlusion import unoccluded_left, unoccluded_right
from m3depth.geometry.registration import FEWEST
from m3depth.geometry.surface import surfaces
from m3depth.geometry.synthesis import Views
from m3depth.log import warn_once
from m3depth.losses.photometric import appearance, softened
from m3depth.losses.points.correspondences import Correspondences
from m3depth.losses.points.residuals import Reduce, Residual
from m3depth.losses.points.sampling import Sampling
from m3depth.losses.points.transforms import Transform
from m3depth.losses.smoothness import edge_aware
from m3depth.types import Pair


class PerSample(NamedTuple):
    """A term's value for every sample of a batch."""

    value: Float[Tensor, " b"]
    counted: Bool[Tensor, " b"]  # False where there is no value

    @classmethod
    def of_all(cls, value: Float[Tensor, " b"]) -> Self:
        """Every sample counts."""
        return cls(value, torch.ones_like(value, dtype=torch.bool))

    def mean(self) -> Float[Tensor, ""]:
        """Over the samples that count; 0, with gradient 0, where none does."""
        return (self.value * self.counted).sum() / self.counted.sum().clamp_min(1)


Seen = TypeVar("Seen", contravariant=True)


class TermOf(Protocol[Seen]):
    """What an objective adds up, and what it looks at."""

    @property
    def weight(self) -> float:
        """Factor of this term in the total."""

    def __call__(self, pyramid: Sequence[Seen], /) -> PerSample:
        """The unweighted values of a pyramid, finest scale first."""


Term = TermOf[Views]


@dataclass(frozen=True)
class Photometric:
    """SSIM + L1 between each view and its reconstruction, where the two can be compared.

    Attributes:
        weight: Factor of this term in the total.
        ssim_share: ``α`` of `appearance`.
        seen_px: Pixels that the view's own surface hides from the other camera by more than this
            disparity are left out; none are if None.
        softened: How many times both are `softened` first.
    """

    weight: float = 1.0
    ssim_share: float = 0.85
    seen_px: float | None = None
    softened: int = 0

    def __call__(self, pyramid: Sequence[Views]) -> PerSample:
        """Sum over scales and views of the mean over comparable pixels."""
        return _total(
            mean_where(self._unlike(image, warped), comparable)
            for views in pyramid
            for image, warped, comparable in zip(
                views.image, views.warped, self._comparable(views), strict=True
            )
        )

    def _unlike(self, image: Tensor, warped: Tensor) -> Float[Tensor, "b 1 h w"]:
        soft, rebuilt = softened(image, self.softened), softened(warped, self.softened)
        return appearance(soft, rebuilt, self.ssim_share)

    def _comparable(self, views: Views) -> Pair:
        if self.seen_px is None:
            return views.comparable
        pairs = zip(views.comparable, seen_by_both(views, self.seen_px), strict=True)
        return Pair(*(comparable & seen for comparable, seen in pairs))


@dataclass(frozen=True)
class LeftRight:
    """``|d^l(x) - d^r(x - d^l(x))|`` and the same from the right (M3Depth, 2D consistency L_gc).

    In fractions of the image's width, where both cameras see.
    """

    weight: float = 1.0

    def __call__(self, pyramid: Sequence[Views]) -> PerSample:
        """Sum over scales and views of the mean over visible pixels."""
        return _total(
            mean_where((disparity - other).abs(), visible)
            for views in pyramid
            for disparity, other, visible in zip(
                views.disparity, views.disparity_warped, views.visible, strict=True
            )
        )


@dataclass(frozen=True)
class Smoothness:
    """Edge-aware smoothness, halved at each coarser scale."""

    weight: float = 0.1

    def __call__(self, pyramid: Sequence[Views]) -> PerSample:
        """Sum over scales and views of the mean over all pixels, divided by 2^scale."""
        return _total(
            edge_aware(disparity, image).flatten(1).mean(1) / 2**scale
            for scale, views in enumerate(pyramid)
            for disparity, image in zip(views.disparity, views.image, strict=True)
        )


@dataclass(frozen=True)
class PointConsistency:
    """The 3D term at the finest scale: both views' surfaces should be one, in millimetres.

    Attributes:
        weight: Factor of this term in the total.
        points: Which points of the left view's surface are looked at.
        correspondences: Which point of the other surface each point is compared with.
        transform: Where a cloud is moved first; the rig's own transform is no motion.
        residual: The distance of two corresponding points.
        reduce: Many distances to one number.
        seen_px: Points that the view's own surface hides from the other camera by more than this
            disparity are left out; none are if None.
    """

    weight: float
    points: Sampling
    correspondences: Correspondences
    transform: Transform
    residual: Residual
    reduce: Reduce
    seen_px: float | None = None

    def __call__(self, pyramid: Sequence[Views]) -> PerSample:
        """The residual in mm; a sample counts if 3 points at least had a counterpart.

        Computed in float32 or better: distances of tenths of a millimetre at depths of 100 mm
        need the digits.
        """
        finest = pyramid[0]
        if not finest.rig.calibrated.any():
            warn_once("the 3D consistency term is off: these images have no calibration")
            nothing = torch.zeros_like(finest.rig.baseline_mm)
            return PerSample(nothing, nothing > 0)
        with torch.autocast(finest.disparity.left.device.type, enabled=False):
            return self.residual_mm(finest)

    def residual_mm(self, views: Views) -> PerSample:
        """At one scale."""
        left, right = surfaces(views.disparity, views.visible, views.rig)
        if self.seen_px is not None:
            seen = seen_by_both(views, self.seen_px)
            left, right = left.seen_where(seen.left), right.seen_where(seen.right)
        moved, matched, penalty_mm = self.transform(
            self.points(left), self.correspondences(right), views.rig.baseline_mm
        )
        valid = moved.valid & matched.valid
        counted = valid.sum(1) >= FEWEST
        distance_mm = self.residual(moved, matched)
        value = self.reduce(distance_mm, valid & counted[:, None]) + penalty_mm
        return PerSample(torch.where(counted, value, 0.0), counted)


def seen_by_both(views: Views, margin_px: float) -> Pair:
    """Pixels that the view's own disparities do not hide from the other camera."""
    width = views.disparity.left.shape[-1]
    return Pair(
        unoccluded_left(width * views.disparity.left, margin_px),
        unoccluded_right(width * views.disparity.right, margin_px),
    )


def mean_where(
    values: Float[Tensor, "b 1 h w"], keep: Bool[Tensor, "b 1 h w"]
) -> Float[Tensor, " b"]:
    """Each sample's mean over its kept pixels; 0 for one without any."""
    kept = (values * keep).flatten(1).sum(1)
    return kept / keep.flatten(1).sum(1).clamp_min(1)


def _total(values: Iterator[Float[Tensor, " b"]]) -> PerSample:
    """Every sample counts, so that a batch split over processes gives the same loss."""
    first = next(values)
    return PerSample.of_all(sum(values, start=first))
