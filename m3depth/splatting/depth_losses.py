"""How far a rendered depth is from a prior's: the losses of the published splatting systems.

Each takes the rendered depth and the prior's in mm (0, negative or not finite: unknown) and where
to look (True: use), and gives one number for each image. Pixels where either depth is unknown are
left out; an image without any other pixel gives 0 with gradient 0. ``legacy=True`` computes what
the named code does, unknown depths included, but for NaN: 0/0 is 0.
"""

from collections.abc import Callable

import torch

from m3depth.splatting.masked import (
    Depth,
    PerImage,
    Where,
    both_known,
    centred,
    clean,
    has_relief,
    in_units_of,
    inverse,
    mean_over,
)

DepthLoss = Callable[[Depth, Depth, Where], PerImage]

LEAST_KNOWN = 10  # pixels of a prior, below which Deform3DGS has no depth loss


def inverse_l1(rendered_mm: Depth, prior_mm: Depth, use: Where, legacy: bool = False) -> PerImage:
    """``mean |1/D - 1/D*|`` per mm: EndoGaussian with a stereo prior, and Deform3DGS.

    At 60 mm a millimetre is worth 1/60² = 0.0003, a thousandth of what a colour is: the weight is
    yours to choose. ``legacy`` averages over all of ``use``, where what is unknown in one depth
    counts with the other's whole inverse; 0 where the prior has less than 10 known pixels.

    Source: CUHK-AIM-Group/EndoGaussian 8d12793 train.py:138-157, Deform3DGS b06f0a5
    train.py:121-131.
    """
    difference = (inverse(rendered_mm) - inverse(prior_mm)).abs()
    if not legacy:
        return mean_over(difference, both_known(rendered_mm, prior_mm, use))
    enough = (prior_mm != 0).flatten(1).sum(1) >= LEAST_KNOWN
    return torch.where(enough, mean_over(difference, use), 0.0)


def affine_inverse_l1(
    rendered_mm: Depth,
    prior_mm: Depth,
    use: Where,
    scale: float = 1.0,
    offset_per_mm: float = 0.0,
    legacy: bool = False,
) -> PerImage:
    """``mean |1/D - max(0, scale/D* + offset)|`` per mm: graphdeco's, for priors up to an affinity.

    Scale and offset are the frame's in ``depth_params.json``. ``legacy`` sums over ``use`` and
    divides by *all* pixels, and reads an unknown prior as the offset. graphdeco renders
    ``Σ w / z`` for 1/D, which a weight below 1 makes smaller.

    Source: graphdeco-inria/gaussian-splatting train.py and utils/make_depth_scale.py, as read in
    copies of it.
    """
    aligned = (scale * inverse(prior_mm) + offset_per_mm).clamp_min(0)
    difference = (inverse(rendered_mm) - aligned).abs()
    if not legacy:
        return mean_over(difference, both_known(rendered_mm, prior_mm, use))
    return torch.where(use, difference, 0.0).flatten(1).mean(1)


def max_normalised_l1(
    rendered_mm: Depth, prior_mm: Depth, use: Where, legacy: bool = False
) -> PerImage:
    """``mean |D / max D - D* / max D*|``, no unit: SurgicalGS.

    Blind to the scale of either depth, and one outlier sets it. The maxima are over the pixels
    that count; ``legacy`` takes them over the whole image, tools and all, and averages over all of
    ``use``.

    Source: SurgicalGS 62f6d5f utils/loss_utils.py:25-29, train.py:114-123.
    """
    counts = both_known(rendered_mm, prior_mm, use)
    among = torch.ones_like(use) if legacy else counts
    maps = clean(rendered_mm), clean(prior_mm)
    largest = (torch.where(among, one, 0.0).flatten(1).amax(1) for one in maps)
    shares = [in_units_of(unit, one) for unit, one in zip(largest, maps, strict=True)]
    return mean_over((shares[0] - shares[1]).abs(), use if legacy else counts)


def pearson(rendered_mm: Depth, prior_mm: Depth, use: Where, legacy: bool = False) -> PerImage:
    """``1 - r`` with the correlation of both depths, 0 to 2: EndoGaussian with a monocular prior.

    Blind to scale and shift of either. A prior without relief gives 0, a rendering without
    relief 1; neither has a gradient. ``legacy`` takes all of ``use``, unknown depths as 0.

    Source: CUHK-AIM-Group/EndoGaussian 8d12793 train.py:144-149, where its weight is 0.001.
    """
    counts = use if legacy else both_known(rendered_mm, prior_mm, use)
    maps = clean(rendered_mm), clean(prior_mm)
    rendered_varies, prior_varies = (has_relief(one, counts) for one in maps)
    rendered, prior = (centred(one, counts) for one in maps)
    spread = mean_over(rendered.square(), counts) * mean_over(prior.square(), counts)
    correlation = (
        mean_over(rendered * prior, counts)
        / torch.where(rendered_varies & prior_varies, spread, 1.0).sqrt()
    )
    return torch.where(prior_varies, torch.where(rendered_varies, 1 - correlation, 1.0), 0.0)


def depth_l1(rendered_mm: Depth, prior_mm: Depth, use: Where, legacy: bool = False) -> PerImage:
    """``mean |D - D*|`` in mm. ``legacy`` is EndoGaussian's first code: all pixels, tools too.

    (There the rasteriser drops the gradient: the loss is logged and teaches nothing.)

    Source: yifliu3/EndoGaussian d7aad82 train.py:173,178.
    """
    counts = torch.ones_like(use) if legacy else both_known(rendered_mm, prior_mm, use)
    return mean_over((clean(rendered_mm) - clean(prior_mm)).abs(), counts)
