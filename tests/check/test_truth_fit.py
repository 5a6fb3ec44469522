"""Stated against measured disparity, on made-up maps."""

import cv2
import numpy as np
import pytest

from m3depth.check.measuring.truth_fit import fit_truth

OFFSET = -7.0


def surface(seed: int = 0) -> np.ndarray:
    """Disparity with relief, 15 to 25 px, as float32."""
    rough = np.random.default_rng(seed).random((160, 240)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), 9)
    return 15 + 10 * (smooth - smooth.min()) / (smooth.max() - smooth.min())


def test_what_agrees_needs_no_explanation():
    fit = fit_truth(surface(), surface(), OFFSET)
    assert fit is not None
    assert fit.as_stated_px == 0
    assert fit.factor == pytest.approx(1)
    assert fit.offset_px == 0
    assert fit.shift_px == (0, 0)


def test_another_unit_is_a_factor():
    stated = (surface() - OFFSET) * 10 + OFFSET
    fit = fit_truth(surface(), stated, OFFSET)
    assert fit is not None
    assert fit.factor == pytest.approx(0.1, rel=1e-3)
    assert fit.factor_px < 0.01 < 100 < fit.as_stated_px


def test_principal_points_are_a_constant():
    fit = fit_truth(surface(), surface() + 32.8, OFFSET)
    assert fit is not None
    assert fit.offset_px == pytest.approx(-32.8, abs=1e-3)
    assert fit.after_offset_px < 0.01


@pytest.mark.parametrize(("x", "y"), [(6, 0), (-7, 11), (0, -12)])
def test_a_moved_map_is_moved_back(x: int, y: int):
    fit = fit_truth(surface(), np.roll(surface(), (y, x), (0, 1)), OFFSET)
    assert fit is not None
    assert fit.shift_px == (-x, -y)
    assert fit.shift_gain > 0.9


def test_unknown_pixels_count_nothing_and_too_few_say_nothing():
    holes = surface()
    holes[::2] = np.nan
    fit = fit_truth(surface(), holes, OFFSET)
    assert fit is not None
    assert fit.as_stated_px == 0
    holes[5:] = np.nan
    assert fit_truth(surface(), holes, OFFSET) is None
