"""A protocol says which pixels count, and what may be done to a prediction before it is scored."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

NEAREST_MM = 1e-3  # "not known" is scored as this: an error of the whole depth, never left out

Align = Callable[[Float[Tensor, " n"], Float[Tensor, " n"]], float]


def none(predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> float:
    """No scaling: the prediction must be metric.

    >>> import torch
    >>> none(torch.tensor([50.0]), torch.tensor([100.0]))
    1.0
    """
    return 1.0


def median(predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> float:
    """One scale for the frame: the true median over the predicted one (SfMLearner).

    >>> import torch
    >>> median(torch.tensor([50.0]), torch.tensor([100.0]))
    2.0
    """
    # NumPy's median: torch's takes the lower of the two middle values
    predicted = np.median(predicted_mm.clamp_min(NEAREST_MM).cpu().numpy())
    return float(np.median(true_mm.cpu().numpy()) / predicted)


@dataclass(frozen=True)
class Protocol:
    """How a frame is scored; frames are then averaged without weights.

    Attributes:
        name: Names the protocol in reports.
        min_mm: Pixels with a true depth below it do not count.
        max_mm: Pixels with a true depth above it do not count.
        align: The scale that a frame's prediction is multiplied by, from the pixels that count.
        clip: Whether the scaled prediction is then clipped to ``min_mm .. max_mm``.
    """

    name: str
    min_mm: float
    max_mm: float
    align: Align
    clip: bool = False

    @property
    def alignment(self) -> str:
        """The aligning function's name, as `metrics.json` has it."""
        return self.align.__name__

    def counts(self, true_mm: Float[Tensor, "*n"]) -> Bool[Tensor, "*n"]:
        """The pixels whose true depth is known (not 0) and within the range."""
        return (true_mm > 0) & (true_mm >= self.min_mm) & (true_mm <= self.max_mm)

    def aligned(
        self, predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        """The prediction as it is scored: scaled, clipped if asked, and never 0.

        >>> import torch
        >>> halves = Protocol("example", 1.0, 150.0, median, clip=True)
        >>> halves.aligned(torch.tensor([20.0, 40.0, 90.0]), torch.tensor([40.0, 80.0, 149.0]))
        tensor([ 40.,  80., 150.])
        """
        scaled = predicted_mm * self.align(predicted_mm, true_mm)
        if self.clip:
            scaled = scaled.clamp(self.min_mm, self.max_mm)
        return scaled.clamp_min(NEAREST_MM)
