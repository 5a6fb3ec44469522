"""Depth that does not flicker from frame to frame."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.priors.prior import DepthPrior
from m3depth.types.disparity import disparity_from_depth
from m3depth.validation import require_number

LEAST_CONFIDENCE = 1e-3  # where no frame is confident all count alike


@dataclass(frozen=True)
class TemporalMean:
    """A frame's inverse depth becomes the weighted mean of its neighbours' at the same pixel.

    A neighbour counts by its confidence, and less the more its colour there differs: what moved
    is not smeared. It looks at the predictions of a window and keeps nothing of earlier ones, so
    that a frame gets the same depth in whatever order, and by however many processes.

    Args:
        radius: Frames on either side; 0 leaves the depth as it is.
        colour: The difference of colours, 0 to 1 and root mean square, that counts by exp(-1/2).

    Raises:
        ConfigError: an option is out of range.
    """

    radius: int = 0
    colour: float = 0.1

    def __post_init__(self) -> None:
        require_number("smoothing.radius", self.radius, 0, whole=True)
        require_number("smoothing.colour", self.colour, 1e-3)

    def __call__(self, prior: DepthPrior, neighbours: Iterable[DepthPrior]) -> DepthPrior:
        """The prior with the mean over itself and its neighbours.

        Unknown depth does not count and stays unknown in ``prior``; neither does a neighbour of
        another size. The confidence is the mean one, with the same weights.
        """
        near, confidence = torch.zeros_like(prior.depth_mm), torch.zeros_like(prior.depth_mm)
        total = torch.zeros_like(prior.depth_mm)
        for other in (prior, *neighbours):
            if other.size == prior.size:
                weight = self._weight(prior, other)
                near += weight / torch.where(weight > 0, other.depth_mm, 1.0)
                confidence += weight * _sure(other)
                total += weight
        known = (prior.depth_mm > 0) & (total > 0)
        depth_mm = torch.where(known, total / torch.where(known, near, 1.0), 0.0)
        disparity_px, sure = prior.disparity_px, prior.confidence
        if disparity_px is not None:
            now_px = disparity_from_depth(depth_mm, prior.rig)
            disparity_px = torch.where(known, now_px, disparity_px)
        if sure is not None:
            sure = torch.where(known, confidence / total.clamp_min(1e-9), sure)
        return replace(prior, depth_mm=depth_mm, disparity_px=disparity_px, confidence=sure)

    def _weight(self, prior: DepthPrior, other: DepthPrior) -> Float[Tensor, "1 h w"]:
        unlike = (other.image - prior.image).square().mean(0, keepdim=True)
        alike = torch.exp(-unlike / (2 * self.colour**2))
        return torch.where(other.depth_mm > 0, alike * (_sure(other) + LEAST_CONFIDENCE), 0.0)


def _sure(prior: DepthPrior) -> Float[Tensor, "1 h w"]:
    """Where no confidence is told, all frames count alike."""
    return torch.ones_like(prior.depth_mm) if prior.confidence is None else prior.confidence
