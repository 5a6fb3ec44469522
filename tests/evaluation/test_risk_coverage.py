"""The area under a risk-coverage curve, against small cases and an independent sum."""

import numpy as np
import pytest

from m3depth.evaluation.risk_coverage import RiskCoverage


def record(confidence, error_mm) -> dict[str, float]:
    return RiskCoverage(np.array(confidence, float), np.array(error_mm, float)).record()


def expected_area(confidence: np.ndarray, error_mm: np.ndarray, draws: int) -> float:
    """By sorting, with equal confidences in random order, and summing up in a loop."""
    drawn = np.random.default_rng(1)
    areas = []
    for _ in range(draws):
        shuffled = drawn.permutation(len(error_mm))
        best = sorted(shuffled, key=lambda i: -confidence[i])
        areas.append(np.mean([np.mean(error_mm[best[:k]]) for k in range(1, len(best) + 1)]))
    return float(np.mean(areas))


def test_three_by_hand():
    found = record([0.1, 0.9, 0.5], [6.0, 3.0, 0.0])  # in order 3, 0, 6: risks 3, 1.5, 3
    assert found["area_mm"] == pytest.approx(2.5)
    assert found["area_perfect_mm"] == pytest.approx((0 + 1.5 + 3) / 3)
    assert found["area_random_mm"] == found["mae_mm"] == pytest.approx(3)
    assert found["share"] == pytest.approx((3 - 2.5) / (3 - 1.5))


def test_the_worst_fifth_by_hand():
    found = record([5, 4, 3, 2, 1], [1.0, 2.0, 9.0, 3.0, 5.0])
    assert found["mae_mm_without_least_confident"] == pytest.approx(15 / 4)
    assert found["mae_mm_without_largest_errors"] == pytest.approx(11 / 4)


def test_it_is_what_an_independent_sum_says():
    drawn = np.random.default_rng(0)
    error_mm = drawn.exponential(5.0, 60)
    sure = -error_mm + drawn.normal(0, 5, 60)
    assert record(sure, error_mm)["area_mm"] == pytest.approx(expected_area(sure, error_mm, 1))


def test_equal_confidences_count_as_in_every_order():
    error_mm = np.random.default_rng(0).exponential(5.0, 12)
    sure = np.repeat([0.2, 0.7, 0.9], 4)
    expected = expected_area(sure, error_mm, 20_000)
    assert record(sure, error_mm)["area_mm"] == pytest.approx(expected, rel=0.01)
    assert record(np.ones(12), error_mm)["share"] == pytest.approx(0)


def test_perfect_is_one_random_about_nought_and_reversed_below():
    drawn = np.random.default_rng(0)
    error_mm = drawn.exponential(5.0, 20_000)
    assert record(-error_mm, error_mm)["share"] == pytest.approx(1)
    assert abs(record(drawn.random(20_000), error_mm)["share"]) < 0.03
    assert record(error_mm, error_mm)["share"] < -0.5


@pytest.mark.parametrize("change", [np.exp, np.cbrt, lambda x: 3 * x - 7, np.arctan])
def test_only_the_order_of_confidences_counts(change):
    drawn = np.random.default_rng(0)
    error_mm, sure = drawn.exponential(5.0, 500), drawn.normal(0, 1, 500)
    assert record(change(sure), error_mm) == record(sure, error_mm)


def test_the_order_of_the_frames_does_not_count():
    drawn = np.random.default_rng(0)
    error_mm, sure = drawn.exponential(5.0, 300), drawn.integers(0, 9, 300)
    mixed = drawn.permutation(300)
    assert record(sure[mixed], error_mm[mixed]) == pytest.approx(record(sure, error_mm))


@pytest.mark.parametrize("error_mm", [[4.0], [2.0, 2.0, 2.0]])
def test_where_there_is_nothing_to_rank_there_is_no_share(error_mm):
    found = record(range(len(error_mm)), error_mm)
    assert "share" not in found
    assert found["area_mm"] == pytest.approx(error_mm[0])
    assert found["mae_mm_without_least_confident"] == pytest.approx(error_mm[0])


def test_a_curve_ends_at_the_mean_and_is_short():
    drawn = np.random.default_rng(0)
    error_mm = drawn.exponential(5.0, 3000)
    curve = RiskCoverage(-error_mm, error_mm).curves()
    assert len(curve["coverage"]) == 50
    assert curve["coverage"][-1] == 1
    assert curve["risk_mm"][-1] == pytest.approx(error_mm.mean())
    assert curve["risk_mm"] == curve["perfect_mm"] == sorted(curve["risk_mm"])
