"""A stereo matcher's answers as labels: where it is sure, it sees what a re-synthesis error cannot.

A re-synthesis error is flat where tissue is smooth, and has minima where texture repeats. A matcher
sums its costs along many directions and checks left against right, and knows where it failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.geometry.synthesis import Views
from m3depth.losses.terms import PerSample, mean_where
from m3depth.matching.sgbm import sgbm
from m3depth.types import Pair

LEAST_PX = 1.0  # of disparity: a match of less is of what shows nothing, which a matcher puts at 0


@dataclass(frozen=True)
class Matched:
    """``|log(d / d')|`` where the matcher knows d', in both views, at the finest scale.

    A relative error of depth, so that near and far count alike. Matched anew in each step, on the
    CPU, in the clean images. The idea of such labels is Watson et al., Self-Supervised Monocular
    Depth Hints, ICCV 2019; there they count only where they rebuild better, here where they pass
    the check.

    Attributes:
        weight: Factor of this term in the total.
    """

    weight: float = 1.0

    def __call__(self, pyramid: Sequence[Views]) -> PerSample:
        """Sum over the views of the mean over known pixels; a sample without any does not count."""
        finest = pyramid[0]
        width = finest.disparity.left.shape[-1]
        infinity = finest.rig.principal_offset.reshape(-1, 1, 1, 1) / width
        known, label = matched(finest)
        value = torch.zeros_like(infinity[:, 0, 0, 0])
        for found, true, here in zip(finest.disparity, label, known, strict=True):
            near, nearer = ((one - infinity) * width for one in (found, true))
            off = near.clamp_min(LEAST_PX).log() - nearer.clamp_min(LEAST_PX).log()
            value = value + mean_where(off.abs(), here)
        return PerSample(value, (known.left | known.right).flatten(1).any(1))


def matched(views: Views) -> tuple[Pair, Pair]:
    """Of each view (b, 1, h, w): where the matcher knows, and the disparity, fractions of width."""
    left, right = views.image
    offsets = views.rig.principal_offset.expand(len(left)).tolist()
    from_left = _stacked(left, right, offsets)
    # seen in a mirror, the right view is the left one of a pair, and its rig has the same offset
    from_right = [one.flip(-1) for one in _stacked(right.flip(-1), left.flip(-1), offsets)]
    return Pair(from_left[0], from_right[0]), Pair(from_left[1], from_right[1])


def _stacked(
    left: Tensor, right: Tensor, offsets: list[float]
) -> tuple[Bool[Tensor, "b 1 h w"], Float[Tensor, "b 1 h w"]]:
    device = left.device
    left, right = left.detach().cpu().float(), right.detach().cpu().float()
    maps = [sgbm(left[i][None], right[i][None], offset) for i, offset in enumerate(offsets)]
    values = torch.cat([one.values for one in maps])
    above_px = values * left.shape[-1] - torch.tensor(offsets)[:, None, None, None]
    known = torch.cat([one.known for one in maps if one.known is not None])
    return (known & (above_px >= LEAST_PX)).to(device), values.to(device)
