"""What the losses on labels share: statistics of each image over its valid pixels."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.losses.terms import PerSample, mean_where

Maps = Float[Tensor, "b 1 h w"]
Where = Bool[Tensor, "b 1 h w"]
Spread = Callable[[Maps, Where], Float[Tensor, " b"]]  # of absolute deviations
Options = ParamSpec("Options")
Loss = Callable[Concatenate[Maps, Maps, Where, Options], PerSample]  # predicted, true, valid

FLAT = 1e-6  # a spread, as a share of the median, that is float32's rounding


def precisely(loss: Loss[Options]) -> Loss[Options]:
    """The loss in float32 or better, also under autocast, and blind to what is not valid.

    A pixel whose prediction or truth is infinite or not a number is not valid either. Both maps
    are 0 where they are not valid, so that no value and no gradient comes from there.
    """

    @wraps(loss)
    def precise(
        predicted: Maps, true: Maps, valid: Where, /, *args: Options.args, **options: Options.kwargs
    ) -> PerSample:
        valid = valid & predicted.isfinite() & true.isfinite()
        with torch.autocast(predicted.device.type, enabled=False):
            return loss(_safe(predicted, valid), _safe(true, valid), valid, *args, **options)

    return precise


def normalised(
    values: Maps, valid: Where, spread: Spread = mean_where
) -> tuple[Maps, Bool[Tensor, " b"]]:
    """``(d - t) / s`` with ``t = median d`` and ``s = mean |d - t|``, and which images have relief.

    MiDaS's robust normalisation (Ranftl et al. 2020, section 5), over the valid pixels alone; 0
    elsewhere. An image without relief (constant, one valid pixel or none) has no ``s``: 1 takes its
    place. One of the values is subtracted first, which is exact where all are close to it.
    """
    lower, upper = _middle_two(values, valid)
    deviation = values - _per_pixel(lower) - _per_pixel((upper - lower) / 2)
    deviation = torch.where(valid, deviation, 0.0)
    size = spread(deviation.abs(), valid)
    relief = size > FLAT * lower.abs()
    return deviation / _per_pixel(torch.where(relief, size, 1.0)), relief


def median_or_mean_where(values: Maps, keep: Where) -> Float[Tensor, " b"]:
    """Each image's median over its kept pixels; the mean where more than half of them are 0."""
    middle = median_where(values, keep)
    return torch.where(middle > 0, middle, mean_where(values, keep))


def median_where(values: Maps, keep: Where) -> Float[Tensor, " b"]:
    """Each image's median over its kept pixels; 0 for one without any.

    The exact one: of an even number of pixels it is the mean of the middle two, as NumPy's.

    >>> maps = torch.tensor([[[[1.0, 9.0, 2.0, 5.0]]]])
    >>> median_where(maps, maps > 0).tolist(), median_where(maps, maps > 1).tolist()
    ([3.5], [5.0])
    """
    lower, upper = _middle_two(values, keep)
    return (lower + upper) / 2


def centred(values: Maps, keep: Where) -> Maps:
    """The values less their mean over the kept pixels; 0 elsewhere."""
    return torch.where(keep, values - _per_pixel(mean_where(values, keep)), 0.0)


def without_largest(values: Maps, keep: Where, share: float) -> Where:
    """Each image's kept pixels without a ``share`` of them, those with the largest values."""
    count = keep.flatten(1).sum(1, keepdim=True)
    left_out = (share * count.double()).floor().to(count)
    ranked = torch.where(keep, values, torch.inf).flatten(1)
    rank = ranked.argsort(dim=1, stable=True).argsort(dim=1)
    kept: Tensor = rank < count - left_out
    return keep & kept.reshape(keep.shape)


def _middle_two(values: Maps, keep: Where) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """The same one twice of an odd number of pixels; 0 without any."""
    count = keep.flatten(1).sum(1)
    ordered = torch.where(keep, values, torch.inf).flatten(1).sort(1).values
    places = torch.stack([(count - 1) // 2, count // 2], 1).clamp_min(0)
    lower, upper = torch.where(count[:, None] > 0, ordered.gather(1, places), 0.0).unbind(1)
    return lower, upper


def _safe(values: Maps, valid: Where) -> Maps:
    precise = values if values.dtype == torch.float64 else values.float()
    return torch.where(valid, precise, 0.0)


def _per_pixel(value: Float[Tensor, " b"]) -> Float[Tensor, "b 1 1 1"]:
    return value[:, None, None, None]
