"""The fit of vertical disparity on made-up matches."""

import numpy as np
import pytest

from m3depth.check.measuring.row_alignment import align
from m3depth.matching.features import Matches

SIZE = (480, 640)


def matches(offset_px: float, degrees: float, stretch_px: float, count: int = 200, wild: int = 40):
    random = np.random.default_rng(1)
    left = random.random((count, 2)) * [SIZE[1] - 1, SIZE[0] - 1]
    x, y = (left - [(SIZE[1] - 1) / 2, (SIZE[0] - 1) / 2]).T
    down = offset_px + np.radians(degrees) * x + stretch_px * y / (SIZE[0] / 2)
    down += random.normal(0, 0.2, count)
    down[:wild] += random.normal(0, 60, wild)
    across = random.uniform(5, 60, count)
    return Matches(left, left - np.stack([across, down], 1))


@pytest.mark.parametrize("truth", [(0, 0, 0), (2, 0, 0), (-1.5, 1.0, 0), (0.5, -0.3, 3)])
def test_finds_offset_rotation_and_stretch_among_wild_matches(truth: tuple[float, float, float]):
    found = align(matches(*truth), *SIZE)
    assert found is not None
    for estimate, true in zip(found[:3], truth, strict=True):
        assert abs(estimate.value - true) < 4 * estimate.error + 0.01
        assert estimate.error < 0.1
    assert found.bend_px.value < 0.15
    assert not found.inliers[:40].sum() > 10
    assert found.inliers[40:].mean() > 0.95


def test_a_bend_is_found_and_is_no_offset():
    straight = matches(0, 0, 0)
    x, y = ((straight.left_px - [319.5, 239.5]) / 320).T
    bent = Matches(straight.left_px, straight.right_px - np.stack([0 * x, 6 * x * y], 1))
    found = align(bent, *SIZE)
    assert found is not None
    true = 6 * np.sqrt(np.mean(np.linspace(-1, 1, 99) ** 2) ** 2) * 0.75
    assert found.bend_px.value == pytest.approx(true, rel=0.15)
    assert abs(found.offset_px.value) < 0.2


def test_too_few_matches_give_no_fit():
    few = matches(0, 0, 0, count=11, wild=0)
    assert align(few, *SIZE) is None


def test_few_matches_are_unsure():
    few, many = (align(matches(0, 0, 0, count=n, wild=0), *SIZE) for n in (20, 2000))
    assert few is not None
    assert many is not None
    assert few.offset_px.error > 5 * many.offset_px.error
