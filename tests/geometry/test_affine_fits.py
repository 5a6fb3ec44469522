"""Scale and shift: exact where pairs are, robust where some lie, and as sure as they say."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.affine import Affine
from m3depth.geometry.affine_fits import (
    huber,
    median_scale,
    scale_alone,
    scale_and_shift,
    trimmed,
)
from m3depth.geometry.moments import Moments

Fit = Callable[..., Affine]
LINES = [scale_and_shift, huber, trimmed]
SCALES = [scale_alone, median_scale]


def by_name(fit: Fit) -> str:
    return fit.__name__


def pairs(seed: int = 0, count: int = 400) -> tuple[Tensor, Tensor]:
    """Noisy pairs of a rising line."""
    draw = torch.Generator().manual_seed(seed)
    x = 0.5 + torch.rand(count, generator=draw, dtype=torch.float64)
    return x, 2 * x + 0.3 + 0.1 * torch.randn(count, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize("fit", LINES, ids=by_name)
@settings(max_examples=25)
@given(st.integers(0, 99), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_exact_in_float32_at_1000_give_or_take_5_thousandths(
    fit: Fit, seed: int, scale: float, shift: float
):
    """The textbook's normal equations give 0.0005 in place of 3 there."""
    x = 1000 + 0.01 * torch.rand(500, generator=torch.Generator().manual_seed(seed)) - 0.005
    y = (scale * (x.double() - 1000) + shift).double()
    found = fit(x, y)
    assert found.scale == pytest.approx(scale, rel=1e-5)
    assert found(torch.tensor(1000.0).double()).item() == pytest.approx(shift, abs=1e-5 * scale)


def test_least_squares_are_numpys():
    x, y = pairs()
    fit = scale_and_shift(x, y)
    (scale, shift), covariance = np.polyfit(x.numpy(), y.numpy(), 1, cov=True)
    assert (fit.scale, fit.shift) == pytest.approx((scale, shift))
    assert fit.covariance.numpy() == pytest.approx(covariance)
    alone = scale_alone(x, y)
    assert alone.scale == pytest.approx(np.linalg.lstsq(x[:, None].numpy(), y.numpy())[0][0])
    assert alone.shift == 0


def test_hubers_estimate_is_scipys():
    x, y = (one.numpy() for one in pairs())
    y[::7] += 1.5
    fit = huber(torch.from_numpy(x), torch.from_numpy(y))
    spread = 1.4826 * np.median(np.abs(y - fit.scale * x - fit.shift))
    found = least_squares(
        lambda p: p[0] * x + p[1] - y, (1.0, 0.0), loss="huber", f_scale=1.345 * spread, xtol=1e-12
    )
    assert (fit.scale, fit.shift) == pytest.approx(found.x, rel=1e-5)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_trimmed_fit_is_not_moved_by_15_percent_of_outliers(side: float):
    x = torch.linspace(0.01, 0.03, 400, dtype=torch.float64)
    y = 2 * x + 0.001
    wrong = torch.where(torch.arange(400) % 20 < 3, y + side * torch.linspace(0.01, 10, 400), y)
    found = trimmed(x, wrong)
    assert (found.scale, found.shift) == pytest.approx((2, 0.001), rel=1e-9)
    assert scale_and_shift(x, y + (wrong - y) / 100).scale != pytest.approx(2, rel=0.01)
    assert huber(x, wrong).scale == pytest.approx(2, rel=1e-6)  # the others agree exactly


def test_the_median_scale_ignores_a_minority():
    x, _ = pairs()
    wrong = torch.where(torch.arange(len(x)) % 5 < 2, 100.0, 3 * x)
    assert median_scale(x, wrong).scale == pytest.approx(3)


@pytest.mark.parametrize("fit", [*LINES, *SCALES], ids=by_name)
def test_the_covariance_covers(fit: Fit):
    """95 % intervals hold the true scale in 90 to 98 % of draws."""
    hits = 0
    for seed in range(300):
        x, y = pairs(seed, 80)
        found = fit(x, y - 0.3 if fit in SCALES else y)
        hits += abs(found.scale - 2) <= 1.96 * found.covariance[0, 0].sqrt()
    assert 0.90 <= hits / 300 <= 0.98


def test_the_deviation_of_depth_is_that_of_draws():
    at = torch.tensor([0.6, 1.4], dtype=torch.float64)
    draws = torch.stack([scale_and_shift(*pairs(seed)).depth_mm(at)[0] for seed in range(300)])
    _, told = scale_and_shift(*pairs()).depth_mm(at)
    assert told.tolist() == pytest.approx(draws.std(0).tolist(), rel=0.2)


@pytest.mark.parametrize("fit", [*LINES, *SCALES], ids=by_name)
def test_a_mask_and_what_is_not_finite_leave_pairs_out(fit: Fit):
    x, y = pairs()
    mask = torch.rand(len(x)) > 0.3
    expected = fit(x[mask], y[mask])
    junk = torch.where(mask, x, 7e3), torch.where(mask, y, -5.0)
    broken = torch.where(mask, x, torch.nan), torch.where(mask, y, torch.inf)
    for found in (fit(*junk, mask), fit(*broken), fit(*(one.reshape(20, 20) for one in broken))):
        assert (found.scale, found.shift) == pytest.approx((expected.scale, expected.shift))


@settings(max_examples=30)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.floats(-1e3, 1e3))
def test_a_video_is_fitted_frame_by_frame_as_at_once(counts: list[int], offset: float):
    x, y = pairs(1, sum(counts) + 3)
    x = x + offset
    parts = zip(x.split([*counts, 3]), y.split([*counts, 3]), strict=True)
    whole = sum((Moments.of(*part) for part in parts), start=Moments()).line()
    expected = scale_and_shift(x, y)
    assert whole.scale == pytest.approx(expected.scale, rel=1e-7)
    assert whole.covariance.numpy() == pytest.approx(expected.covariance.numpy(), rel=1e-6)


class TestWhatCannotBeFitted:
    @pytest.mark.parametrize("fit", [*LINES, *SCALES], ids=by_name)
    def test_near_and_far_turned_around(self, fit: Fit):
        x, y = pairs()
        with pytest.raises(DataError, match="falls where the inverse depth rises"):
            fit(x, -y)

    @pytest.mark.parametrize("fit", LINES, ids=by_name)
    def test_all_at_one_depth(self, fit: Fit):
        with pytest.raises(DataError, match=r"same relative depth.*fit a scale alone"):
            fit(torch.full((9,), 0.3), torch.rand(9))
        assert scale_alone(torch.full((9,), 0.3), torch.full((9,), 0.6)).scale == pytest.approx(2)

    @pytest.mark.parametrize("fit", LINES, ids=by_name)
    @pytest.mark.parametrize("count", [0, 1])
    def test_too_few_for_a_line(self, fit: Fit, count: int):
        with pytest.raises(DataError, match=f"need two known pixels, not {count}"):
            fit(torch.ones(count), torch.ones(count))

    @pytest.mark.parametrize("fit", SCALES, ids=by_name)
    def test_none_for_a_scale(self, fit: Fit):
        for x in (torch.zeros(0), torch.zeros(3)):
            with pytest.raises(DataError, match="a scale cannot be found"):
                fit(x, torch.ones_like(x))

    @pytest.mark.parametrize("fit", LINES, ids=by_name)
    def test_two_pairs_give_a_line_of_which_nothing_is_sure(self, fit: Fit):
        found = fit(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0]))
        assert (found.scale, found.shift) == pytest.approx((2, 1))
        assert found.covariance.isinf().all()

    @pytest.mark.parametrize("fit", [huber, trimmed], ids=by_name)
    def test_most_of_the_pairs_at_one_depth(self, fit: Fit):
        x = torch.cat([torch.full((70,), 0.5), torch.linspace(0.2, 0.9, 30)]).double()
        found = fit(x, 4 * x + 1)
        assert (found.scale, found.shift) == pytest.approx((4, 1))


def test_past_infinity_there_is_no_depth():
    fit = Affine(1.0, -0.02, torch.zeros(2, 2, dtype=torch.float64))
    depth, deviation = fit.depth_mm(torch.tensor([0.03, 0.02, 0.01]))
    assert depth.tolist() == pytest.approx([100, 0, 0])
    assert not deviation.any()
