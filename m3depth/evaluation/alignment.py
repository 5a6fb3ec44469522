"""What may be done to a frame's prediction before it is scored, found from the true depth.

A protocol names one of these functions. Each takes the predicted and the true depth of the pixels
that count and that have a prediction, and gives the `Fit` for the whole frame. Those called
``relative_...`` take relative inverse depth, of any sign, in place of a predicted depth.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.affine import Affine
from m3depth.geometry.affine_fits import scale_and_shift, trimmed


class Fit(NamedTuple):
    """``1 / z' = 1 / (scale · z) + shift``: a scale, and a shift of the inverse depth."""

    scale: float = 1.0
    shift_per_mm: float = 0.0
    found: bool = (
        True  # False: no scale above 0 and shift fit, and less than them is in their place
    )

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

    def of_inverse(self, relative: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """The same of relative inverse depth, which stands for ``1 / z``.

        >>> Fit(2.0, 0.01).of_inverse(torch.tensor([0.02, -0.02])).tolist()
        [50.0, inf]
        """
        inverse = relative / self.scale + self.shift_per_mm
        return torch.where(inverse > 0, 1 / inverse, torch.inf)


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
    fit = _rising(scale_and_shift, 1 / predicted_mm.double(), true_mm)
    return fit or mean_inverse(predicted_mm, true_mm)._replace(found=False)


def robust(predicted_mm: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> Fit:
    """`scale_shift` of which a fifth of the pixels may be wrong: `affine_fits.trimmed`.

    >>> predicted, true = torch.linspace(20, 90, 10), torch.linspace(40, 180, 10)
    >>> true[3] = 1.0
    >>> round(robust(predicted, true).scale, 4)
    2.0
    """
    fit = _rising(trimmed, 1 / predicted_mm.double(), true_mm)
    return fit or mean_inverse(predicted_mm, true_mm)._replace(found=False)


def relative_scale_shift(relative: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> Fit:
    """`scale_shift` of relative inverse depth.

    Without a scale above 0 to be found it is a plane at the mean of the true inverse depth, the
    best that a scale of 0 or more can do: no map is turned inside out to be scored.
    """
    return _rising(scale_and_shift, relative, true_mm) or _plane(true_mm)


def relative_robust(relative: Float[Tensor, " n"], true_mm: Float[Tensor, " n"]) -> Fit:
    """`robust` of relative inverse depth; a plane as for `relative_scale_shift`."""
    return _rising(trimmed, relative, true_mm) or _plane(true_mm)


def _rising(
    find: Callable[[Tensor, Tensor], Affine], inverse: Tensor, true_mm: Tensor
) -> Fit | None:
    """None where there is no fit with a scale above 0."""
    try:
        found = find(inverse, 1 / true_mm.double())
    except DataError:
        return None
    return Fit(1 / found.scale, found.shift)


def _plane(true_mm: Tensor) -> Fit:
    return Fit(torch.inf, float((1 / true_mm.double()).mean()), found=False)
