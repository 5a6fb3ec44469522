"""Confidences that tell the truth lie on the diagonal, and order errors."""

import pytest
import torch
from torch import Tensor

from m3depth.evaluation.alignment import Fit
from m3depth.evaluation.compared import Compared
from m3depth.evaluation.reliability import Reliability
from m3depth.evaluation.truth import Truth
from m3depth.types import DepthMap, Kind
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity

RIG = StereoRig(*(v[None] for v in StereoRig.of(300.0, 300.0, 160.0, 128.0, 160.0, 4.5)))
SIZE = (1, 1, 200, 300)


def compared(told_px: Tensor, actual_px: Tensor) -> Compared:
    """Errors that are drawn with a scale of ``actual_px`` where ``told_px`` was expected."""
    disparity_px = torch.full(SIZE, 20.0)
    true_px = disparity_px + torch.distributions.Laplace(0.0, actual_px).sample()
    depth_mm = depth_from_disparity(true_px, RIG)
    truth = Truth(depth_mm, depth_mm > 0, RIG, "a")
    raw_mm = depth_from_disparity(disparity_px, RIG)
    disparity = DepthMap(disparity_px, Kind.DISPARITY, camera=RIG, error=told_px)
    return seen(truth, raw_mm, disparity)


def seen(truth: Truth, raw_mm: Tensor, found: DepthMap) -> Compared:
    disparity = found if found.has_disparity else None
    return Compared(truth, raw_mm, disparity, found.known, Fit(), raw_mm, raw_mm, found)


def frame(off_mm: float, found_mm: float = 60.0, error_mm: float = 1.0, **told: Tensor) -> Compared:
    """A frame of one depth that is wrong everywhere by ``off_mm``, of a single camera."""
    depth_mm = torch.full(SIZE, found_mm)
    truth = Truth(depth_mm - off_mm, depth_mm > 0, RIG, "a")
    found = DepthMap(depth_mm, Kind.DEPTH, error=torch.full(SIZE, error_mm), **told)
    return seen(truth, depth_mm, found)


def test_what_tells_the_truth_is_on_the_diagonal():
    torch.manual_seed(0)
    scale = 0.1 + 2 * torch.rand(SIZE)
    found = Reliability()
    for _ in range(20):
        found.add(compared(scale, scale))
    record = found.record()
    assert record["told"] == sorted(record["told"])
    assert record["right"] == pytest.approx(record["told"], abs=0.04)
    record = record["pixels"]
    best, kept = record["mae_mm_without_largest_errors"], record["mae_mm_without_least_confident"]
    every = record["mae_mm"]
    assert best < kept < 0.85 * every


def test_what_is_too_sure_is_below_it():
    torch.manual_seed(0)
    scale = 0.1 + 2 * torch.rand(SIZE)
    found = Reliability()
    found.add(compared(scale / 3, scale))
    record = found.record()
    assert all(right < told for told, right in zip(record["told"], record["right"], strict=True))


def test_without_an_expected_error_there_is_nothing_to_tell():
    found = Reliability()
    silent = DepthMap(torch.ones(SIZE), Kind.DISPARITY)
    found.add(compared(torch.ones(SIZE), torch.ones(SIZE))._replace(seen=silent))
    assert found.record() == {}


def test_the_pixels_that_are_kept_stand_for_the_frame():
    """An error that grows from left to right: a whole step would keep to a few columns."""
    depth_mm = torch.full((1, 1, 256, 320), 60.0)
    off_mm = torch.arange(320.0).expand_as(depth_mm)
    truth = Truth(depth_mm, depth_mm > 0, RIG, "a")
    one = torch.ones_like(depth_mm)
    found = Reliability()
    disparity = DepthMap(one, Kind.DISPARITY, camera=RIG, error=one)
    found.add(seen(truth, depth_mm + off_mm, disparity))
    record = found.record()
    assert record["pixels"]["mae_mm"] == pytest.approx(159.5, rel=5e-3)
    assert record["frames"]["mae_mm"] == pytest.approx(159.5, rel=1e-6)


def test_frames_are_ranked_by_the_deviation_of_their_scale():
    found = Reliability()
    for off_mm, deviation in ((1.0, 0.1), (9.0, 0.4), (4.0, 0.2)):  # all of one expected error
        found.add(frame(off_mm, scale_deviation=torch.tensor([deviation])))
    record = found.record()["frames"]
    assert record["count"] == 3
    assert record["share"] == pytest.approx(1)
    assert record["area_mm"] == pytest.approx((1 + 2.5 + 14 / 3) / 3)


def test_without_it_by_the_mean_confidence_of_their_pixels_of_any_camera():
    found = Reliability()
    for off_mm, error_mm in ((1.0, 3.0), (9.0, 2.0), (4.0, 1.0)):  # surest first: 4, 9, 1
        found.add(frame(off_mm, error_mm=error_mm))
    record = found.record()["frames"]
    assert record["area_mm"] == pytest.approx((4 + 6.5 + 14 / 3) / 3)


def test_holes_are_in_no_error():
    known = torch.ones(SIZE, dtype=torch.bool)
    known[..., :100] = False
    one = frame(2.0, known=known)
    raw_mm = torch.where(known, one.raw_mm, 0.0)
    found = Reliability()
    found.add(one._replace(raw_mm=raw_mm, given=known))
    assert found.record()["frames"]["mae_mm"] == pytest.approx(2.0)
