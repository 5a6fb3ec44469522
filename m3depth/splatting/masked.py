"""Statistics of depth maps over the pixels that count, one number for each image, never NaN."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Depth = Float[Tensor, "b h w"]
Where = Bool[Tensor, "b h w"]
PerImage = Float[Tensor, " b"]

FLAT = 1e-12  # variance over squared mean, below which it is rounding


def both_known(rendered_mm: Depth, prior_mm: Depth, use: Where) -> Where:
    """Where to compare."""
    return use & (clean(rendered_mm) > 0) & (clean(prior_mm) > 0)


def clean(depth_mm: Depth) -> Depth:
    """Unknown depths (0, negative, not finite) as 0."""
    return torch.where(depth_mm.isfinite() & (depth_mm > 0), depth_mm, 0.0)


def inverse(depth_mm: Depth) -> Depth:
    """``1/D`` per mm, and 0 where the depth is unknown."""
    known = clean(depth_mm) > 0
    return torch.where(known, 1 / torch.where(known, depth_mm, 1.0), 0.0)


def in_units_of(unit_mm: PerImage, depth_mm: Depth) -> Depth:
    """``D / unit``; a unit of 0 leaves the depth as it is."""
    return depth_mm / torch.where(unit_mm > 0, unit_mm, 1.0)[:, None, None]


def mean_over(values: Depth, counts: Where) -> PerImage:
    """The mean; 0 without a pixel."""
    total = torch.where(counts, values, 0.0).flatten(1).sum(1)
    return total / counts.flatten(1).sum(1).clamp_min(1)


def centred(values: Depth, counts: Where) -> Depth:
    """The values less their mean, and 0 where they do not count."""
    return torch.where(counts, values - mean_over(values, counts)[:, None, None], 0.0)


def has_relief(values: Depth, counts: Where) -> Bool[Tensor, " b"]:
    """Whether values >= 0 differ by more than rounding."""
    variance = mean_over(centred(values, counts).square(), counts)
    return variance > FLAT * mean_over(values, counts).square()
