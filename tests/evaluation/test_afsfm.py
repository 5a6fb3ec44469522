"""AF-SfMLearner's evaluation, worked out by hand and by NumPy and OpenCV alone.

Its arithmetic: the predicted disparity is resized to the truth's size by OpenCV's bilinear rule,
depth is its inverse, the pixels strictly within 1e-3 and 150 mm count, the depth is scaled by
median(true) / median(predicted) and clipped to the range, the seven metrics are averaged over
images, and the ratios are told as med and std(ratios / med).
"""

import cv2
import numpy as np
import pytest
import torch
from fake_sources import Fake
from protocol_files import load
from stereo_fakes import Frames, as_map

from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.result import Result
from m3depth.types import DepthMap, StereoBatch
from m3depth.types.camera import StereoRig

NAMES = ("abs_rel", "sq_rel_mm", "rmse_mm", "rmse_log", "d1", "d2", "d3")


def scored(disparities: list[np.ndarray], truths: list[np.ndarray]) -> Result:
    """Under ``protocol=afsfm``; the rig makes ``depth_mm = 1 / disparity`` of the truth's width."""
    frames = []
    for i, (disparity, truth) in enumerate(zip(disparities, truths, strict=True)):
        (height, width), wide = disparity.shape, truth.shape[1]
        focal = 10.0 * width / wide  # at the image's width; times a baseline of 0.1: 1 at the truth
        frame: StereoBatch = {
            "left": torch.full((3, height, width), i / len(truths)),
            "rig": StereoRig.of(focal, focal, 0.0, 0.0, 0.0, 0.1),
            "key": f"dataset3/keyframe4/{i}",
            "depth_mm": torch.from_numpy(truth)[None],
        }
        frames.append(frame)

    def predict(batch: StereoBatch) -> DepthMap:
        place = [f["key"] for f in frames].index(batch["key"][0])
        disparity, wide = disparities[place], truths[place].shape[1]
        return as_map(torch.from_numpy(disparity)[None, None] / wide)

    return evaluate(Fake(predict), Frames(*frames), load("afsfm")).first


def by_numpy(disparities: list[np.ndarray], truths: list[np.ndarray]) -> dict[str, float]:
    """The published arithmetic, written down anew."""
    errors, ratios = [], []
    for disparity, truth in zip(disparities, truths, strict=True):
        height, width = truth.shape
        predicted = 1 / cv2.resize(disparity.astype(np.float64), (width, height))
        within = (truth > 1e-3) & (truth < 150)
        p, t = predicted[within], truth[within].astype(np.float64)
        ratios.append(np.median(t) / np.median(p))
        p = np.clip(p * ratios[-1], 1e-3, 150)
        apart = np.maximum(p / t, t / p)
        errors.append(
            (
                *(np.mean(np.abs(p - t) / t), np.mean((p - t) ** 2 / t)),
                *(np.sqrt(np.mean((p - t) ** 2)), np.sqrt(np.mean((np.log(p) - np.log(t)) ** 2))),
                *(np.mean(apart < 1.25**k) for k in (1, 2, 3)),
            )
        )
    found = dict(zip(NAMES, np.mean(errors, axis=0), strict=True))
    middle = np.median(ratios)
    return {**found, "median_ratio": middle, "std_ratio": np.std(ratios / middle)}


def test_by_hand() -> None:
    """Two frames of 1x2 disparities against truths of 1x4.

    Frame 0: (0.05, 0.10) becomes (0.05, 0.0625, 0.0875, 0.10): depth 20, 16, 80/7, 10. The truth is
    60, 48, 150, 20, and 150 does not count: medians 48 and 16, ratio 3: depth 60, 48, 30 against
    60, 48, 20.
    Frame 1: (0.02, 0.02) stays: depth 50. The truth is 0, 100, 100, 140: ratio 2: depth 100, 100,
    100.
    """
    disparities = [np.float32([[0.05, 0.1]]), np.float32([[0.02, 0.02]])]
    truths = [np.float32([[60, 48, 150, 20]]), np.float32([[0, 100, 100, 140]])]
    result = scored(disparities, truths)
    expected = {
        "abs_rel": ((10 / 20) / 3 + (40 / 140) / 3) / 2,
        "sq_rel_mm": ((100 / 20) / 3 + (1600 / 140) / 3) / 2,
        "rmse_mm": (np.sqrt(100 / 3) + np.sqrt(1600 / 3)) / 2,
        "rmse_log": (np.log(1.5) + np.log(1.4)) / np.sqrt(3) / 2,
        "d1": 2 / 3,  # 1.5 and 1.4 are beyond 1.25
        "d2": 1.0,  # 1.25² = 1.5625
        "d3": 1.0,
    }
    assert {name: result.metrics[name] for name in NAMES} == pytest.approx(expected, rel=1e-6)
    assert result.scale["median_ratio"] == pytest.approx(2.5, rel=1e-6)
    assert result.scale["std_ratio"] == pytest.approx(0.2, rel=1e-6)  # (3, 2) / 2.5: 1.2, 0.8
    assert result.valid_pixels == 6


def test_by_numpy_and_opencv() -> None:
    draw = np.random.default_rng(0)
    disparities, truths = [], []
    for _ in range(5):
        truth = draw.uniform(20, 170, (64, 80)).astype(np.float32)
        truth[draw.random(truth.shape) < 0.2] = 0
        disparities.append((1 / draw.uniform(5, 60, (16, 20))).astype(np.float32))
        truths.append(truth)
    result = scored(disparities, truths)
    found = {**{name: result.metrics[name] for name in NAMES}, **result.scale}
    expected = by_numpy(disparities, truths)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6, rel=1e-6)
    assert expected["std_ratio"] > 0.01  # the case tells something
    assert expected["d1"] < 0.6


def test_clipping_counts() -> None:
    """Without it a pixel at 1000 mm would be an error of 900 and not of 50."""
    disparity = np.float32([[0.01, 0.01, 0.01, 0.001]])
    truth = np.float32([[100, 100, 100, 100]])
    result = scored([disparity], [truth])
    assert result.metrics["abs_rel"] == pytest.approx(0.5 / 4, rel=1e-6)


def test_each_frame_has_its_ratio() -> None:
    disparities = [np.float32([[0.1, 0.1]]), np.float32([[0.1, 0.1]])]
    result = scored(disparities, [np.float32([[20, 20]]), np.float32([[30, 30]])])
    assert [row.scores["scale_ratio"] for row in result.rows] == pytest.approx([2, 3])
