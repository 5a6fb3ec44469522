"""What makes an evaluation's numbers doubtful is told."""

import pytest
import torch
from fake_sources import Fake
from protocol_files import load
from stereo_fakes import Frames, plane, sample

from m3depth.evaluation.doubts import doubts
from m3depth.evaluation.evaluate import evaluate
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

TRUE_MM = plane(40.0, 1.0)
PAIRS = [{**sample(TRUE_MM, seed), "key": f"v/{seed}"} for seed in range(3)]


def told(slopes: dict[str, float], protocol: str, kind: Kind = Kind.INVERSE_DEPTH) -> list[str]:
    """Of maps that are ``1 + slope / z``: 0 is flat, below 0 is upside down."""

    def predict(batch: StereoBatch) -> DepthMap:
        values = 1 + slopes.get(batch["key"][0], 1.0) / batch["depth_mm"].double()
        if kind is Kind.INVERSE_DEPTH:
            return DepthMap(values, kind, Scale.UP_TO_SCALE_AND_SHIFT)
        return DepthMap(100 / values, kind)

    return doubts(evaluate(Fake(predict), Frames(*PAIRS), load(protocol)).results)


@pytest.mark.parametrize("protocol", ["scale_shift", "robust", "midas"])
def test_flat_and_inverted_frames_are_counted_and_the_first_is_named(protocol: str):
    assert told({}, protocol) == []
    (line,) = told({"v/1": 0.0, "v/2": -1.0}, protocol)
    assert f"protocol {protocol}: in 2 of 3 frames" in line
    assert "v/1 the first" in line


def test_a_video_s_one_fit_is_told_of_all_its_frames():
    assert told({}, "scale_shift_video") == []
    (line,) = told(dict.fromkeys(("v/0", "v/1", "v/2"), -1.0), "scale_shift_video")
    assert "in 3 of 3 frames" in line


def test_depth_in_millimetres_that_is_upside_down_is_told_too():
    (line,) = told({"v/2": -1.0}, "scale_shift", Kind.DEPTH)
    assert "in 1 of 3 frames" in line
    assert told({"v/2": -1.0}, "median", Kind.DEPTH) == []  # one scale is always found


def test_truth_without_a_known_pixel_is_told():
    bare = [{**one, "depth_mm": torch.zeros_like(TRUE_MM)} for one in PAIRS]
    source = Fake(lambda batch: DepthMap(TRUE_MM[None], Kind.DEPTH))
    (line,) = doubts(evaluate(source, Frames(*bare), load("unscaled")).results)
    assert "not one pixel of the true depth of 3 frames is known" in line
    none = [{k: v for k, v in one.items() if k != "depth_mm"} for one in PAIRS]
    assert doubts(evaluate(source, Frames(*none), load("unscaled")).results) == []
    assert doubts(evaluate(source, Frames(*bare, PAIRS[0]), load("unscaled")).results) == []
