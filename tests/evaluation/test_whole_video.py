"""One alignment for all frames of a video."""

import numpy as np
import pytest
import torch
from fake_sources import Fake
from protocol_files import load
from stereo_fakes import Frames, plane, sample

from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.result import Evaluation
from m3depth.report.protocols import protocol_cells
from m3depth.types import DepthMap, Kind, Scale, StereoBatch

TRUE_MM = {"a/0": plane(40.0, 1.0), "a/1": plane(60.0, 0.5), "b/0": plane(30.0, 1.5)}
Lines = dict[str, tuple[float, float]]  # (scale, shift) of a frame's relative inverse depth


def scored(lines: Lines, *protocols: str, relative: bool = True) -> Evaluation:
    """By a network whose relative depth is ``scale / z + shift``, or whose depth ``z / scale``."""
    frames = [
        {**sample(true, seed), "key": key} for seed, (key, true) in enumerate(TRUE_MM.items())
    ]

    def predict(batch: StereoBatch) -> DepthMap:
        scale, shift = lines[batch["key"][0]]
        inverse = scale / batch["depth_mm"].double() + shift
        if not relative:
            return DepthMap(1 / inverse, Kind.DEPTH)
        return DepthMap(inverse, Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT)

    return evaluate(Fake(predict), Frames(*frames), load(*protocols))


def test_a_video_of_one_scale_and_shift_becomes_perfect_whatever_another_has():
    lines = {"a/0": (700.0, -9.0), "a/1": (700.0, -9.0), "b/0": (0.1, 5.0)}
    found = scored(lines, "scale_shift_video", "scale_shift")
    for result in found.results:
        assert result.metrics["mae_mm"] == pytest.approx(0, abs=1e-4)
    heads, *rows = protocol_cells(found)
    named = [dict(zip(heads, row, strict=True))["alignment"] for row in rows]
    assert named == ["scale_shift_per_video", "scale_shift"]


def test_a_scale_that_drifts_costs_what_one_line_for_all_pixels_of_the_video_leaves():
    lines = {"a/0": (1.0, 0.0), "a/1": (1.3, 0.0), "b/0": (1.0, 0.0)}
    per_video, per_frame = scored(lines, "scale_shift_video", "scale_shift").results
    assert per_frame.metrics["mae_mm"] == pytest.approx(0, abs=1e-4)
    true = [TRUE_MM[key].double().flatten().numpy() for key in ("a/0", "a/1")]
    x = np.concatenate([lines[key][0] / z for key, z in zip(("a/0", "a/1"), true, strict=True)])
    line = np.polyfit(x, 1 / np.concatenate(true), 1)
    off = np.abs(np.minimum(1 / np.polyval(line, x), 150) - np.concatenate(true))
    expected = (*(part.mean() for part in np.split(off, 2)), 0.0)
    told = [row.scores["mae_mm"] for row in per_video.rows]
    assert told == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_depth_in_millimetres_gets_one_median_a_video():
    lines = {"a/0": (0.5, 0.0), "a/1": (0.5, 0.0), "b/0": (2.0, 0.0)}
    found = scored(lines, "median_video", relative=False)
    assert found.first.metrics["mae_mm"] == pytest.approx(0, abs=1e-3)
    assert found.first.protocol.alignment == "median_per_video"


def test_a_frame_without_a_truth_takes_no_part():
    hidden = {**sample(plane(1.0), 9), "key": "a/2", "depth_mm": torch.zeros_like(plane(1.0))}

    def predict(batch: StereoBatch) -> DepthMap:
        inverse = 1 / batch["depth_mm"].double().clamp_min(1.0)
        return DepthMap(inverse, Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT)

    frames = Frames({**sample(TRUE_MM["a/0"]), "key": "a/0"}, hidden)
    found = evaluate(Fake(predict), frames, load("scale_shift_video"))
    assert found.first.metrics["mae_mm"] == pytest.approx(0, abs=1e-4)
    assert found.first.frames == 1
