"""What may be done to a frame's prediction before it is scored, found from the true depth.

A protocol names one of these functions. Each takes the predicted and the true depth of the pixels
that count and that have a prediction, and gives the `Fit` for the whole frame.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

FLAT = 1e-6  # a relative spread that is rounding


class Fit(NamedTuple):
    """``1 / z' = 1 / (scale · z) + shift``: a scale, and a shift of the inverse depth."""

    scale: float = 1.0
    shift_per_mm: float = 0.0

    def __call__(self, depth_mm: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """The depth as it is scored; 0 stays 0, what is shifted past infinity becomes infinite.

        >>> Fit(2.0)(torch.tensor([0.0, 50.0])).tolist()
        [0.0, 100.0]
        >>> Fit(1.0, 0.01)(torch.tensor([100.0])).tolist()
        [50.0]
        """
        scaled = depth_mm * self.scale
        rest = 1 + self.shift_per_mm * scaled
        return torch.where(rest > 0, scaled / rest, torch.inf)


Align = Callable[[Float[Tensor, " n"], Float[Tensor, " n"]], Fit]


def none(predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> Fit:
    """No scaling: the prediction must be metric.

    >>> none(torch.tensor([50.0]), torch.tensor([100.0])).scale
    1.0
    """
    return Fit()


def median(predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> Fit:
    """One scale for the frame: the true median over the predicted one (SfMLearner).

    >>> median(torch.tensor([50.0]), torch.tensor([100.0])).scale
    2.0
    """
    # NumPy's median: torch's takes the lower of the two middle values
    return Fit(float(np.median(true_mm.cpu().numpy()) / np.median(predicted_mm.cpu().numpy())))


def least_squares(predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> Fit:
    """One scale for the frame, ``argmin Σ (s·p - t)² = Σ p·t / Σ p²``.

    >>> least_squares(torch.tensor([10.0, 20.0]), torch.tensor([20.0, 40.0])).scale
    2.0
    """
    predicted = predicted_mm.double()
    return Fit(float((predicted @ true_mm.double()) / (predicted @ predicted)))


def mean_inverse(predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> Fit:
    """One scale for the frame: the predicted mean of the inverse depth over the true one.

    >>> mean_inverse(torch.tensor([10.0, 20.0]), torch.tensor([20.0, 40.0])).scale
    2.0
    """
    return Fit(float((1 / predicted_mm.double()).mean() / (1 / true_mm.double()).mean()))


def scale_shift(predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> Fit:
    """A scale and a shift of the inverse depth, by least squares in inverse depth (MiDaS).

    ``argmin Σ (a/p + b - 1/t)²``. Without a scale above 0 to be found (a prediction that is flat
    or upside down) it is the scale alone, as in `mean_inverse`.

    >>> fit = scale_shift(torch.tensor([10.0, 20.0, 40.0]), 1 / torch.tensor([0.21, 0.11, 0.06]))
    >>> round(fit.scale, 4), round(fit.shift_per_mm, 4)
    (0.5, 0.01)
    """
    predicted, true = 1 / predicted_mm.double(), 1 / true_mm.double()
    spread = predicted - predicted.mean()
    slope = float((spread @ true) / (spread @ spread))
    flat = bool(spread.norm() <= FLAT * predicted.norm())
    if flat or slope <= 0:
        return mean_inverse(predicted_mm, true_mm)
    return Fit(1 / slope, float(true.mean()) - slope * float(predicted.mean()))
