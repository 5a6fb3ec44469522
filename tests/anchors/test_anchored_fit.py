"""A scale and a shift by anchors."""

import logging

import numpy as np
import pytest
import torch

from m3depth.anchors.anchors import Anchors
from m3depth.anchors.fit import fit
from m3depth.errors import DataError

SCALE, SHIFT = 0.03, 0.004
R = np.linspace(0.2, 1.0, 12)


def depth_mm(r: float) -> float:
    return 1 / (SCALE * r + SHIFT)


def points(**options: float) -> list[Anchors]:
    return [Anchors.depth(r, depth_mm(r), str(i), **options) for i, r in enumerate(R)]


def test_exact_points():
    found = fit(Anchors.joined(points()), with_shift=True)
    assert found.line.scale == pytest.approx(SCALE, rel=1e-6)
    assert found.line.shift == pytest.approx(SHIFT, rel=1e-5)
    assert found.depth_mm == pytest.approx(depth_mm(float(np.median(R))), rel=1e-6)
    assert found.deviation < 1e-6
    assert found.held_back < 1e-6


def test_lengths_alone_tell_both():
    rays = np.array([[0.0, 0.0, 1.0], [0.1, 0.05, 1.0]])
    anchors = []
    for index, (first, second) in enumerate(zip(R, R[::-1], strict=True)):
        gap = depth_mm(first) * rays[0] - depth_mm(second) * rays[1]
        anchors.append(
            Anchors.length((first, second), rays, float(np.linalg.norm(gap)), str(index))
        )
    found = fit(Anchors.joined(anchors), with_shift=True)
    assert found.line.scale == pytest.approx(SCALE, rel=1e-3)
    assert found.line.shift == pytest.approx(SHIFT, rel=1e-2)


def test_wrong_anchors_pull_little():
    anchors = points()
    anchors[1] = Anchors.depth(R[1], 3 * depth_mm(R[1]), "1")
    anchors[7] = Anchors.depth(R[7], 0.2 * depth_mm(R[7]), "7")
    found = fit(Anchors.joined(anchors), with_shift=True)
    assert found.depth_mm == pytest.approx(depth_mm(float(np.median(R))), rel=1e-3)


def test_a_scale_alone_where_nothing_tells_the_shift(caplog: pytest.LogCaptureFixture):
    flat = [Anchors.depth(0.5, 40.0 + i / 10, str(i)) for i in range(5)]
    with caplog.at_level(logging.WARNING):
        found = fit(Anchors.joined(flat), with_shift=True)
    assert "all anchors lie at one depth" in caplog.text
    assert (found.with_shift, found.line.shift) == (False, 0.0)
    assert found.depth_mm == pytest.approx(40.2, rel=1e-3)


def test_one_anchor_is_as_sure_as_it_says():
    unsaid = fit(Anchors.depth(0.5, 50.0, "a"), with_shift=False)
    assert unsaid.line.scale == pytest.approx(0.04)
    assert unsaid.deviation == np.inf
    said = fit(Anchors.depth(0.5, 50.0, "a", deviation=0.02), with_shift=False)
    assert said.deviation == pytest.approx(0.02, rel=1e-3)
    assert said.interval == pytest.approx((48.04, 51.96), abs=0.01)


def test_turned_round_is_refused():
    upside_down = [Anchors.depth(r, depth_mm(1.2 - r), str(i)) for i, r in enumerate(R)]
    with pytest.raises(DataError, match="nearer where the relative depth says farther"):
        fit(Anchors.joined(upside_down), with_shift=True)


def test_the_interval_holds_what_it_says():
    """Noise of 3 %, forty draws of 95 %: fewer than 33 hits have a chance of 1 in 10,000."""
    draw, hits = np.random.default_rng(0), 0
    for _ in range(40):
        noisy = [
            Anchors.depth(r, depth_mm(r) * (1 + 0.03 * draw.standard_normal()), str(i))
            for i, r in enumerate(R)
        ]
        found = fit(Anchors.joined(noisy), with_shift=True)
        low, high = found.interval
        hits += low <= depth_mm(found.middle) <= high
        assert high - low < 0.1 * found.depth_mm
    assert hits >= 33


@pytest.mark.parametrize("lower", [0.1, 0.6, 0.65, 5.0])
def test_the_shift_of_the_relative_depth_does_not_matter(lower: float):
    """Also where the anchors' relative depth is negative, or 0 in the middle."""
    lowered = [Anchors.depth(r - lower, depth_mm(r), str(i)) for i, r in enumerate(R)]
    found = fit(Anchors.joined(lowered), with_shift=True)
    assert found.with_shift
    assert found.line.scale == pytest.approx(SCALE, rel=1e-6)
    assert found.line.shift == pytest.approx(SHIFT + lower * SCALE, rel=1e-6)
    few = fit(Anchors.joined(lowered[4:7]), with_shift=True)
    assert few.line.scale == pytest.approx(SCALE, rel=1e-5)
    assert np.isfinite(few.deviation)


@pytest.mark.parametrize("r", [0.0, -0.3])
def test_no_scale_alone_where_the_relative_depth_is_not_above_0(r: float):
    flat = Anchors.joined([Anchors.depth(r, 40.0, str(i)) for i in range(5)])
    with pytest.raises(DataError, match=r"not above 0 where the anchors are"):
        fit(flat, with_shift=True)
    with pytest.raises(DataError, match=r"not above 0 where the anchors are"):
        fit(flat, with_shift=False)


def test_a_shift_that_is_not_told_makes_depth_elsewhere_unsure():
    flat = Anchors.joined([Anchors.depth(0.5, 40.0 + i / 10, str(i)) for i in range(5)])
    at = torch.tensor([0.5, 0.4, 0.7], dtype=torch.float64)
    told, known = fit(flat, with_shift=True), fit(flat, with_shift=False)
    (near, *others), surely = told.line.deviation(at), known.line.deviation(at)
    assert near == pytest.approx(float(surely[0]))
    # the slope is as unsure as it is large: between a plane and twice the relief
    assert others == pytest.approx((told.line.scale * (at[1:] - 0.5).abs()).tolist(), rel=1e-2)
    assert told.interval == pytest.approx(known.interval)
