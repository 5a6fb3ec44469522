"""A prediction beside its truth, before it is scored."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from m3depth.evaluation.alignment import Fit
from m3depth.evaluation.truth import Truth
from m3depth.types import DepthMap


class Compared(NamedTuple):
    """A prediction beside its truth, at one resolution."""

    truth: Truth  # with only the pixels that the protocol counts, at least one
    raw_mm: Float[Tensor, "1 1 H W"] | None  # as predicted, 0 = not known; None: it was relative
    disparity: DepthMap | None  # the same in pixels, never scaled; None: there is no baseline
    given: Bool[Tensor, "1 1 H W"] | None  # where there is a prediction; None: everywhere
    fit: Fit
    aligned_mm: Float[Tensor, "1 1 H W"]  # fitted, 0 = not known, infinite if shifted past infinity
    depth_mm: Float[Tensor, "1 1 H W"]  # as it is scored: fitted, clipped if asked, never 0
    seen: DepthMap | None = None  # the prediction itself; None: it was relative

    @property
    def answered(self) -> Bool[Tensor, "1 1 H W"]:
        """The pixels that are scored: those that count and that have a prediction."""
        counts = self.truth.counts
        return counts if self.given is None else counts & self.given

    @property
    def fitted_mm(self) -> Float[Tensor, "1 1 H W"]:
        """Fitted, never clipped; 0 = not known, or shifted past infinity."""
        return torch.where(self.aligned_mm.isfinite(), self.aligned_mm, 0.0)
