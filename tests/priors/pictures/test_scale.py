"""Colours over a whole input: the range is that of its depth, and says so."""

import numpy as np
import pytest

from m3depth.priors.pictures.scale import (
    Range,
    depth_scale,
    disparity_scale,
    relative_scale,
    values_of,
)


def found(*depths_mm: np.ndarray, image: np.ndarray | None = None) -> Range:
    counted = Range()
    for depth_mm in depths_mm:
        lit = np.ones((3, *depth_mm.shape), np.float32) if image is None else image
        counted.add(values_of({"depth_mm": depth_mm.astype(np.float32)}), lit)
    return counted


def test_the_ends_are_the_percentiles_over_all_frames():
    generator = np.random.default_rng(0)
    frames = [generator.uniform(20, 30, (64, 64)), generator.uniform(60, 90, (128, 64))]
    low, high = found(*frames).ends()
    every = np.concatenate([frames[0].ravel(), frames[1][::2].ravel()])
    assert (1 / high, 1 / low) == pytest.approx(np.percentile(every, [1, 99]), rel=0.01)
    scale = depth_scale(found(*frames), None, None)
    assert (scale.record["near_mm"], scale.record["far_mm"]) == (20, 90)
    assert [scale.ticks[place].label for place in (0, -1)] == ["≥ 90", "≤ 20"]
    assert (scale.low, scale.high) == (1 / 90, 1 / 20)
    assert "1st to 99th percentile" in scale.record["chosen_by"]


def test_a_nasal_endoscope_has_a_range_of_its_own():
    scale = depth_scale(found(np.linspace(4, 12, 64 * 64).reshape(64, 64)), None, None)
    assert (scale.record["near_mm"], scale.record["far_mm"]) == pytest.approx((4, 12), rel=0.03)


def test_what_is_not_known_and_what_is_black_does_not_count():
    depth_mm = np.full((60, 60), 50.0)
    depth_mm[:20] = 0
    depth_mm[20:40] = 900
    image = np.full((3, 60, 60), 0.5, np.float32)
    image[:, :40] = 0.02
    near_mm, far_mm = (
        depth_scale(found(depth_mm, image=image), None, None).record[name]
        for name in ("near_mm", "far_mm")
    )
    assert near_mm <= 50 <= far_mm < 60


def test_one_end_may_be_asked_for():
    one = found(np.linspace(40, 80, 4096).reshape(64, 64))
    scale = depth_scale(one, 30, None)
    assert (scale.record["near_mm"], scale.record["far_mm"]) == (30, 80)
    assert scale.record["chosen_by"].startswith("near_mm=, 1st to 99th")
    assert depth_scale(one, 30, 150).record["chosen_by"] == "near_mm= and far_mm="


def test_nothing_known_or_one_depth_alone_has_a_range_all_the_same():
    for depth_mm in (np.zeros((8, 8)), np.full((8, 8), 50.0)):
        scale = depth_scale(found(depth_mm), None, None)
        assert scale.low < scale.high


def test_without_calibration_it_is_the_disparity_and_no_millimetre():
    counted = Range()
    arrays = {"disparity_px": np.linspace(4, 16, 4096).reshape(64, 64)}
    counted.add(values_of(arrays), np.ones((3, 64, 64)))
    scale = disparity_scale(counted)
    assert "mm" not in scale.title
    assert scale.low == pytest.approx(4 / 64, rel=0.05)
    assert scale.high == pytest.approx(16 / 64, rel=0.05)
    assert scale.ticks[0].label == "≤ 6.4%"
    assert "no calibration" in scale.record["chosen_by"]


def test_relative_depth_has_one_range_over_all_frames_and_no_unit():
    counted = Range()
    for low, high in ((0.5, 2.0), (3.0, 8.0)):
        arrays = {"inverse_depth": np.linspace(low, high, 4096).reshape(64, 64)}
        counted.add(values_of(arrays), np.ones((3, 64, 64)))
    scale = relative_scale(counted)
    assert (scale.low, scale.high) == pytest.approx((0.53, 7.9), rel=0.02)
    assert [tick.label for tick in scale.ticks] == ["far", "near"]
    assert scale.record["relative"] == [scale.low, scale.high]


def test_relative_depth_below_zero_is_far_and_not_unknown():
    values = values_of({"inverse_depth": np.linspace(-3.0, 5.0, 4096).reshape(64, 64)})
    assert (values > 0).all()
    counted = Range()
    counted.add(np.full((8, 8), values.min()), np.ones((3, 8, 8)))
    scale = relative_scale(counted)
    assert scale.low < scale.high
