"""The consistency benchmark in miniature: its keys, and what must be true at any size."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from m3depth.benchmarks import consistency
from m3depth.benchmarks.published_icp import published_icp
from m3depth.cli.configuration import configuration
from m3depth.types import Pair
from m3depth.types.camera import StereoRig


@pytest.fixture(scope="module")
def presets() -> dict[str, Any]:
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("bench", overrides=["benchmark=consistency"]).benchmark
    return {name: instantiate(one) for name, one in config.presets.items()}


def measured(presets: Mapping[str, Any]) -> dict[str, Any]:
    return consistency.measure(presets, (64, 80), batch=2, batches=[1], repeats=1, scenes=1)


def test_it_tells_what_the_interface_names(
    presets: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """But for the memory: each of these would start a process to measure it."""
    monkeypatch.setattr(consistency, "peak_mb", lambda work: float(work()))
    told = measured(presets)
    assert {"paper", "rig"} <= told["presets"].keys() == presets.keys()
    for kinds in told["presets"].values():
        for seen in kinds.values():
            assert seen["value_at_truth_mm"] >= 0
            assert seen["gradient_cosine"].keys() == {"0.1", "0.5", "2.0"}
    truth = {name: told["presets"][name]["smooth"]["value_at_truth_mm"] for name in presets}
    assert truth["rig"] < 0.02 < truth["paper"]
    assert told["offset_0.5px"]["paper"] < 1.5 < told["offset_0.5px"]["rig"]
    assert told["ms"].keys() == told["mb"].keys() == {*presets, "published_path"}
    assert all(ms > 0 for times in told["ms"].values() for ms in times.values())
    assert told["ms_by_batch"].keys() == {"1"}


def test_the_published_path_takes_many_times_the_memory(presets: dict[str, Any]):
    told = measured({"rig": presets["rig"]})
    # At this size the term may do with pages that its process has already: told as 0.0
    assert told["mb"]["published_path"] > 20 * max(told["mb"]["rig"], 0.1)


def test_the_published_path_registers_one_plane_with_itself():
    """Parallel to the image it is the same in both frames, and dense enough to agree."""
    rig = StereoRig(*(value[None] for value in StereoRig.of(75.0, 75.0, 39.5, 31.5, 39.5, 5.0)))
    disparity = Pair(*(torch.full((1, 1, 64, 80), 0.06).requires_grad_() for _ in range(2)))
    torch.manual_seed(0)
    value = published_icp(disparity, rig, rounds=5)
    assert 0 < value < 3.0  # mm between neighbours of 1000 random points on 80 x 66 mm
    value.backward()
    assert all(one.grad is not None and one.grad.isfinite().all() for one in disparity)
