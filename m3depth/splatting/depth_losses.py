"""How far a rendered depth is from a prior's: the losses of the published splatting systems.

Each takes the rendered depth and the prior's in mm (0, negative or not finite: unknown) and where
to look (True: use), and gives one number for each image. Pixels where either depth is unknown are
left out; an image without any other pixel gives 0 with gradient 0. ``legacy=True`` computes what
the named code does, unknown depths included, but for NaN: 0/0 is 0.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import huber_loss

Depth = Float[Tensor, "b h w"]
Where = Bool[Tensor, "b h w"]
PerImage = Float[Tensor, " b"]
DepthLoss = Callable[[Depth, Depth, Where], PerImage]

LEAST_KNOWN = 10  # pixels of a prior, below which Deform3DGS has no depth loss
FLAT = 1e-12  # a variance over the squared mean that is rounding


def inverse_l1(rendered_mm: Depth, prior_mm: Depth, use: Where, legacy: bool = False) -> PerImage:
    """``mean |1/D - 1/D*|`` per mm: EndoGaussian with a stereo prior, and Deform3DGS.

    At 60 mm a millimetre is worth 1/60² = 0.0003, a thousandth of what a colour is: the weight is
    yours to choose. ``legacy`` averages over all of ``use``, where what is unknown in one depth
    counts with the other's whole inverse; 0 where the prior has less than 10 known pixels.

    Source: CUHK-AIM-Group/EndoGaussian 8d12793 train.py:138-157, Deform3DGS b06f0a5
    train.py:121-131.
    """
    difference = (_inverse(rendered_mm) - _inverse(prior_mm)).abs()
    if not legacy:
        return _mean(difference, _known(rendered_mm, prior_mm, use))
    enough = (prior_mm != 0).flatten(1).sum(1) >= LEAST_KNOWN
    return torch.where(enough, _mean(difference, use), 0.0)


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
    aligned = (scale * _inverse(prior_mm) + offset_per_mm).clamp_min(0)
    difference = (_inverse(rendered_mm) - aligned).abs()
    if not legacy:
        return _mean(difference, _known(rendered_mm, prior_mm, use))
    return torch.where(use, difference, 0.0).flatten(1).mean(1)


def max_normalised_l1(
    rendered_mm: Depth, prior_mm: Depth, use: Where, legacy: bool = False
) -> PerImage:
    """``mean |D / max D - D* / max D*|``, no unit: SurgicalGS.

    Blind to the scale of either depth, and one outlier sets it: see `quantile_normalised_l1`. The
    maxima are over the pixels that count; ``legacy`` takes them over the whole image, tools and
    all, and averages over all of ``use``.

    Source: SurgicalGS 62f6d5f utils/loss_utils.py:25-29, train.py:114-123.
    """
    counts = _known(rendered_mm, prior_mm, use)
    among = torch.ones_like(use) if legacy else counts
    parts = []
    for depth_mm in (_clean(rendered_mm), _clean(prior_mm)):
        largest = torch.where(among, depth_mm, 0.0).flatten(1).amax(1)
        parts.append(_over(depth_mm, largest))
    return _mean((parts[0] - parts[1]).abs(), use if legacy else counts)


def quantile_normalised_l1(
    rendered_mm: Depth, prior_mm: Depth, use: Where, quantile: float = 0.5
) -> PerImage:
    """``mean |D / q(D) - D* / q(D*)|``, no unit, with a quantile over the pixels that count.

    0.5 is the median, which half of the pixels cannot move; 0.98 stays close to
    `max_normalised_l1` and lets 2 % be outliers. As blind to scale as that one.
    """
    counts = _known(rendered_mm, prior_mm, use)
    rendered, prior = (
        _over(depth_mm, _quantile(depth_mm, counts, quantile))
        for depth_mm in (_clean(rendered_mm), _clean(prior_mm))
    )
    return _mean((rendered - prior).abs(), counts)


def pearson(rendered_mm: Depth, prior_mm: Depth, use: Where, legacy: bool = False) -> PerImage:
    """``1 - r`` with the correlation of both depths, 0 to 2: EndoGaussian with a monocular prior.

    Blind to scale and shift of either. A prior without relief gives 0, a rendering without
    relief 1; neither has a gradient. ``legacy`` takes all of ``use``, unknown depths as 0.

    Source: CUHK-AIM-Group/EndoGaussian 8d12793 train.py:144-149, where its weight is 0.001.
    """
    counts = use if legacy else _known(rendered_mm, prior_mm, use)
    rendered, prior = (_centred(_clean(one), counts) for one in (rendered_mm, prior_mm))
    either = _relief(rendered, rendered_mm, counts) & _relief(prior, prior_mm, counts)
    spread = _mean(rendered.square(), counts) * _mean(prior.square(), counts)
    correlation = _mean(rendered * prior, counts) / torch.where(either, spread, 1.0).sqrt()
    worth = torch.where(either, 1 - correlation, 1.0)
    return torch.where(_relief(prior, prior_mm, counts), worth, 0.0)


def scale_shift_invariant(rendered_mm: Depth, prior_mm: Depth, use: Where) -> PerImage:
    """``mean (a/D + b - 1/D*)² / (2 var 1/D*)`` for the best ``a`` and ``b``, 0 to 1/2.

    Ranftl et al. 2020 (MiDaS) with the squared residual, untrimmed: in inverse depth, aligned by
    least squares in closed form. The variance takes the place of their scaling of the
    data to 0..1, so that the prior's own scale and shift do not matter either. Blind to the sign
    of ``a``: a relief turned inside out fits as well. A prior without relief gives 0, a rendering
    without relief 1/2; neither has a gradient.
    """
    counts = _known(rendered_mm, prior_mm, use)
    inverses = _inverse(rendered_mm), _inverse(prior_mm)
    rendered, prior = (_centred(one, counts) for one in inverses)
    bent, due = (
        _relief(one, inverse, counts)
        for one, inverse in zip((rendered, prior), inverses, strict=True)
    )
    variance = torch.where(bent, _mean(rendered.square(), counts), 1.0)
    slope = torch.where(bent, _mean(rendered * prior, counts) / variance, 0.0)
    residual = _mean((slope[:, None, None] * rendered - prior).square(), counts)
    expected = torch.where(due, _mean(prior.square(), counts), 1.0)
    return torch.where(due, residual / (2 * expected), 0.0)


def depth_l1(rendered_mm: Depth, prior_mm: Depth, use: Where, legacy: bool = False) -> PerImage:
    """``mean |D - D*|`` in mm. ``legacy`` is EndoGaussian's first code: all pixels, tools too.

    (There the rasteriser drops the gradient: the loss is logged and teaches nothing.)

    Source: yifliu3/EndoGaussian d7aad82 train.py:173,178.
    """
    counts = torch.ones_like(use) if legacy else _known(rendered_mm, prior_mm, use)
    return _mean((_clean(rendered_mm) - _clean(prior_mm)).abs(), counts)


def huber(
    rendered_mm: Depth,
    prior_mm: Depth,
    use: Where,
    delta_mm: float = 0.2,
    legacy: bool = False,
) -> PerImage:
    """The mean of ``d²/2`` up to ``delta``, ``delta (|d| - delta/2)`` above; ``d = D - D*``; mm².

    ``legacy`` is EndoNeRF's: summed over ``use``, divided by *all* pixels (there, sampled rays).

    Source: EndoNeRF run_endonerf.py:1057-1064, delta 0.2 in the unit of its depth files.
    """
    cost = huber_loss(_clean(rendered_mm), _clean(prior_mm), reduction="none", delta=delta_mm)
    if not legacy:
        return _mean(cost, _known(rendered_mm, prior_mm, use))
    return torch.where(use, cost, 0.0).flatten(1).mean(1)


def _known(rendered_mm: Depth, prior_mm: Depth, use: Where) -> Where:
    return use & (_clean(rendered_mm) > 0) & (_clean(prior_mm) > 0)


def _clean(depth_mm: Depth) -> Depth:
    """Unknown depths as 0."""
    return torch.where(depth_mm.isfinite() & (depth_mm > 0), depth_mm, 0.0)


def _inverse(depth_mm: Depth) -> Depth:
    """1/D, and 0 where it is unknown."""
    known = _clean(depth_mm) > 0
    return torch.where(known, 1 / torch.where(known, depth_mm, 1.0), 0.0)


def _over(depth_mm: Depth, unit_mm: PerImage) -> Depth:
    return depth_mm / torch.where(unit_mm > 0, unit_mm, 1.0)[:, None, None]


def _mean(values: Depth, counts: Where) -> PerImage:
    """Over the pixels that count; 0 without any."""
    total = torch.where(counts, values, 0.0).flatten(1).sum(1)
    return total / counts.flatten(1).sum(1).clamp_min(1)


def _centred(values: Depth, counts: Where) -> Depth:
    return torch.where(counts, values - _mean(values, counts)[:, None, None], 0.0)


def _relief(centred: Depth, values: Depth, counts: Where) -> Bool[Tensor, " b"]:
    """Whether the values differ by more than rounding."""
    scale = _mean(_clean(values), counts).square()
    return _mean(centred.square(), counts) > FLAT * scale


def _quantile(values: Depth, counts: Where, quantile: float) -> PerImage:
    found = [
        image[here].quantile(quantile) if here.any() else image.new_zeros(())
        for image, here in zip(values, counts, strict=True)
    ]
    return torch.stack(found)
