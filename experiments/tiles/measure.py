"""Scores tiles on built-in scenes and writes summary.json: python measure.py CHECKPOINT."""

import json
import sys
import time
from pathlib import Path
from types import MethodType

import numpy as np
import torch
import variants
from torch import Tensor
from torch.nn import functional

from m3depth.data.synthetic import SyntheticPairs
from m3depth.priors.predictor import load

FRAMES = range(24, 48)  # of the test split; the variants were chosen on the 24 before these
SIZES, RESAMPLES = ((192, 256), (384, 512)), 5000
JUMP, NEAR_PX = 0.1, 4  # of log depth within 3x3 pixels; pixels around it that count
METRICS = ("mae", "mae_scaled", "near_edges", "gradient")
ROWS = {  # options, and another way to make detail of tiles
    "tiles=1": ({}, None),
    "tiles=2": ({"tiles": 2}, None),
    "tiles=3": ({"tiles": 3}, None),
    "tiles=2, all_of_it": ({"tiles": 2}, variants.all_of_it),
    "tiles=3, all_of_it": ({"tiles": 3}, variants.all_of_it),
    "tiles=2, every_scale": ({"tiles": 2}, variants.every_scale),
    "tiles=3, every_scale": ({"tiles": 3}, variants.every_scale),
    "tiles=2, nothing": ({"tiles": 2}, variants.nothing),
    "flip=true": ({"flip": True}, None),
    "tiles=2 flip=true": ({"tiles": 2, "flip": True}, None),
}


def near_edges(depth_mm: Tensor) -> Tensor:
    """Pixels close to a jump of the true depth."""
    ends = [functional.max_pool2d(sign * depth_mm.log()[None], 3, 1, 1) for sign in (1, -1)]
    jump = (ends[0] + ends[1] > JUMP).float()
    return functional.max_pool2d(jump, 2 * NEAR_PX + 1, 1, NEAR_PX)[0] > 0


def scores(found_mm: Tensor, true_mm: Tensor) -> list[float]:
    """Of one frame in mm, the gradient's in mm a pixel; NaN where there is no edge."""
    off_mm = (found_mm - true_mm).abs()
    scaled_mm = (found_mm * true_mm.median() / found_mm.median() - true_mm).abs()
    slopes = (torch.stack(torch.gradient(depth_mm[0])) for depth_mm in (found_mm, true_mm))
    every = (off_mm, scaled_mm, off_mm[near_edges(true_mm)], torch.sub(*slopes).abs())
    return [float(values.mean()) for values in every]


def measured(size: tuple[int, int], checkpoint: str) -> dict[str, dict[str, object]]:
    """Each row's means, and 95 % of the mean difference from the first row's same frames."""
    pairs = SyntheticPairs("test", FRAMES.stop, size)
    samples = [pairs[index] for index in FRAMES]
    drawn = np.random.default_rng(0).integers(len(samples), size=(RESAMPLES, len(samples)))
    told, every, seconds = {}, {}, {}
    for name, (options, way) in ROWS.items():
        predict = load(checkpoint, "cpu", **options)
        if way is not None:
            predict.network._detail = MethodType(way, predict.network)
        start = time.perf_counter()
        found = [predict(one["key"], one["left"], one["rig"]).depth_mm for one in samples]
        seconds[name] = time.perf_counter() - start
        both = zip(found, samples, strict=True)
        every[name] = np.array([scores(depth_mm, one["depth_mm"]) for depth_mm, one in both])
        change = np.nanmean((every[name] - every["tiles=1"])[drawn], axis=1)
        interval = np.percentile(change, (2.5, 97.5), axis=0).T.round(3).tolist()
        means = np.nanmean(every[name], axis=0).round(3).tolist()
        rows = [{"mean": mean, "change": ends} for mean, ends in zip(means, interval, strict=True)]
        told[name] = dict(zip(METRICS, rows, strict=True))
        told[name]["time"] = round(seconds[name] / seconds["tiles=1"], 1)
    return told


if __name__ == "__main__":
    torch.set_num_threads(1)
    summary = {f"{size[0]}x{size[1]}": measured(size, sys.argv[1]) for size in SIZES}
    Path(__file__).with_name("summary.json").write_text(json.dumps(summary, indent=1) + "\n")
