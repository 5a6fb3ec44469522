import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from m3depth.evaluation.alignment import Align, Fit, least_squares, mean_inverse, median, none
from m3depth.evaluation.alignment import scale_shift as both

GENERATOR = torch.Generator().manual_seed(5)
TRUE = 30 + 100 * torch.rand(501, generator=GENERATOR)
PREDICTED = 0.4 * TRUE * (0.8 + 0.4 * torch.rand(501, generator=GENERATOR))
P, T = PREDICTED.double().numpy(), TRUE.double().numpy()

# independent reference, in NumPy
SCALES = {
    none: 1.0,
    median: np.median(T) / np.median(P),
    least_squares: np.linalg.lstsq(P[:, None], T, rcond=None)[0][0],
    mean_inverse: np.mean(1 / P) / np.mean(1 / T),
}


@pytest.mark.parametrize("align", SCALES, ids=lambda align: align.__name__)
def test_agrees_with_numpy(align: Align) -> None:
    fit = align(PREDICTED, TRUE)
    assert fit.scale == pytest.approx(SCALES[align], abs=1e-6)
    assert fit.shift_per_mm == 0


def test_scale_and_shift_agree_with_numpy() -> None:
    slope, shift = np.linalg.lstsq(np.stack([1 / P, np.ones_like(P)], 1), 1 / T, rcond=None)[0]
    fit = both(PREDICTED, TRUE)
    assert (1 / fit.scale, fit.shift_per_mm) == pytest.approx((slope, shift), abs=1e-6)
    assert fit(PREDICTED).double().numpy() == pytest.approx(1 / (slope / P + shift), rel=1e-5)


@pytest.mark.parametrize("align", [median, least_squares, mean_inverse, both])
def test_a_scaled_prediction_becomes_perfect(align: Align) -> None:
    assert torch.allclose(align(0.3 * TRUE, TRUE)(0.3 * TRUE), TRUE, rtol=1e-4)


def test_a_disparity_of_unknown_scale_and_shift_becomes_perfect() -> None:
    relative = 1 / (7 / TRUE + 0.02)
    assert torch.allclose(both(relative, TRUE)(relative), TRUE, rtol=1e-3)


def test_least_squares_is_the_best_scale() -> None:
    best = minimize(lambda s: ((s * P - T) ** 2).mean(), 1.0).x[0]
    assert least_squares(PREDICTED, TRUE).scale == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("predicted", [torch.full((501,), 60.0), 1 / (0.05 - 1 / TRUE)])
def test_a_flat_or_upside_down_prediction_gets_a_scale_alone(predicted: torch.Tensor) -> None:
    assert both(predicted, TRUE) == mean_inverse(predicted, TRUE)._replace(found=False)


def test_shifted_past_infinity_is_infinite_and_unknown_stays_unknown() -> None:
    fit = Fit(1.0, -0.02)
    assert fit(torch.tensor([0.0, 25.0, 50.0, 90.0])).tolist() == pytest.approx(
        [0.0, 50.0, float("inf"), float("inf")]
    )
