"""The terms of an objective on depth labels: which samples and which form of depth a loss compares.

One batch may hold metric depth, depth up to scale and disparity of an unknown rig: each sample's
`DepthLabel` says which it is. `RelativeTerm` learns from all of them, `DepthTerm` from those that
have a depth.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.log import warn_once
from m3depth.losses.objective import LossBreakdown, WeightedTerms
from m3depth.losses.per_image import Loss
from m3depth.losses.terms import PerSample
from m3depth.types import DepthLabel, DepthMap, Kind

NO_DEPTH = (
    "a batch has no label with a scale, and the terms on depth learn nothing from it: if no label "
    "of the set has one, choose objective=relative"
)
NOTHING_KNOWN = (
    "a batch has no label with a known pixel, and nothing is learned from it: look at the files "
    "that depth is read from, and at their mask"
)


class Labelled(NamedTuple):
    """One scale of a network's output beside its labels at that scale's resolution."""

    prediction: DepthMap  # with its camera
    label: DepthLabel


class LabelObjective(WeightedTerms[Labelled]):
    """Of depth labels: for `SupervisedDepth`."""

    looks_at = Labelled

    def __call__(self, pyramid: Sequence[Labelled]) -> LossBreakdown:
        """See `WeightedTerms`; a batch that teaches nothing is told of."""
        losses = super().__call__(pyramid)
        if not pyramid[0].label.known.any():
            warn_once(NOTHING_KNOWN)
        return losses


@dataclass(frozen=True)
class RelativeTerm:
    """A loss that is blind to scale and shift, on every sample.

    Attributes:
        weight: Factor of this term in the total.
        loss: Of `losses.relative`; it gets both maps as inverse depth up to scale and shift.
    """

    weight: float
    loss: Loss[[]]

    def __call__(self, pyramid: Sequence[Labelled]) -> PerSample:
        """Sum over scales; a sample counts if its label has relief."""
        return _added(self._at(one) for one in pyramid)

    def _at(self, scale: Labelled) -> PerSample:
        found, label = scale.prediction.relative(), scale.label
        known = label.known if found.known is None else label.known & found.known
        return self.loss(found.values, label.inverse_depth, known)


@dataclass(frozen=True)
class DepthTerm:
    """A loss on depth, on the samples whose label is metric.

    Attributes:
        weight: Factor of this term in the total.
        loss: Of `losses.logarithmic`; it gets depth along z, in mm.
        up_to_scale: Whether labels up to scale count, too, and the network's depth may be up to
            scale: for a loss that is blind to it.
    """

    weight: float
    loss: Loss[[]]
    up_to_scale: bool = False

    def __call__(self, pyramid: Sequence[Labelled]) -> PerSample:
        """Sum over scales; a sample counts if the loss has enough known pixels of it.

        Raises:
            DataError: the network's output has no depth, or no millimetres.
        """
        return _added(self._at(one) for one in pyramid)

    def _at(self, scale: Labelled) -> PerSample:
        prediction, label = scale.prediction, scale.label
        counts = ~label.shifted if self.up_to_scale else label.metric
        if not counts.any():  # nor need there be a rig that the prediction becomes depth by
            warn_once(NO_DEPTH)
            return PerSample(_zeros(prediction.values), counts)
        depth = prediction.to(Kind.DEPTH).values if self.up_to_scale else prediction.depth_mm()
        return self.loss(depth, label.depth, label.known & counts[:, None, None, None])


def _zeros(values: Float[Tensor, "b 1 h w"]) -> Float[Tensor, " b"]:
    """With a gradient of 0, which an objective without another term needs."""
    nowhere = torch.zeros_like(values, dtype=torch.bool)
    return values.where(nowhere, 0.0).flatten(1).sum(1)


def _added(scales: Iterable[PerSample]) -> PerSample:
    """A sample counts if it does at any scale."""
    first, *others = scales
    for one in others:
        value = first.value * first.counted + one.value * one.counted
        first = PerSample(value, first.counted | one.counted)
    return first
