"""Labels by teachers: where they agree, in millimetres."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from fake_sources import Fake
from torch import Tensor

from m3depth.data.module import StereoData
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import ConfigError, DataError
from m3depth.sources.exact import ExactSource
from m3depth.sources.source import Source
from m3depth.sources.stereo import StereoSource
from m3depth.sources.taught import Taught
from m3depth.types import DepthLabel, DepthMap, Kind, Scale, StereoBatch, StereoRig

PAIRS = SyntheticPairs("train", 2, (64, 96), cache=False)


def label(*teachers: Source, pairs: Any = PAIRS, tolerance: float = 0.05) -> DepthLabel:
    named = {str(number): one for number, one in enumerate(teachers)}
    return Taught(pairs, named, tolerance)[0]["depth_label"]


def changed(change: Callable[[Tensor], Tensor]) -> Fake:
    """A metric teacher: the true depth, changed."""
    return Fake(lambda batch: DepthMap(change(batch["depth_mm"]), Kind.DEPTH))


def relative(scale: float, shift: float) -> Fake:
    """True inverse depth in a unit of its own."""
    kind = Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT
    return Fake(lambda batch: DepthMap(scale / batch["depth_mm"] + shift, *kind))


def but(**fields: object) -> list[StereoBatch]:
    """One pair, with other fields."""
    return [{**PAIRS[0], **fields}]  # type: ignore[typeddict-item]


def test_an_exact_teacher_gives_the_true_depth():
    true_mm = PAIRS[0]["depth_mm"].clone()
    true_mm[:, :5] = 0
    found = label(ExactSource(), pairs=but(depth_mm=true_mm))
    assert torch.equal(found.known, true_mm > 0)
    assert bool(found.metric)
    torch.testing.assert_close(found.depth, true_mm, rtol=1e-6, atol=0)


def test_exactly_the_pixels_where_teachers_differ_by_more_than_the_tolerance_are_dropped():
    factor = torch.ones(64, 96)
    factor[:10], factor[10:20], factor[20:30] = 1.06, 0.94, 1.04
    found = label(ExactSource(), changed(lambda depth: depth * factor))
    assert torch.equal(found.known[0], (factor == 1) | (factor == factor[20, 0]))
    mean_mm = PAIRS[0]["depth_mm"] * (1 + factor) / 2
    torch.testing.assert_close(found.depth[found.known], mean_mm[found.known], rtol=1e-5, atol=0)


def test_what_one_teacher_does_not_know_has_no_label():
    found = label(ExactSource(), StereoSource())
    matched = StereoSource()([PAIRS[0]])[0]
    assert matched.known is not None
    assert not found.known[~matched.known[0]].any()
    assert 0.5 < float(found.known.float().mean()) < float(matched.known.float().mean())


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (40.0, -0.3), (0.01, 0.05)])
def test_a_relative_teacher_is_fitted_to_the_metric_one(scale: float, shift: float):
    wrong = torch.ones(64, 96)
    wrong[:, 80:] = 2.0  # of the metric teacher: the fit must not follow it
    found = label(changed(lambda depth: depth * wrong), relative(scale, shift))
    assert torch.equal(found.known[0], wrong == 1)
    true_mm = PAIRS[0]["depth_mm"][found.known]
    torch.testing.assert_close(found.depth[found.known], true_mm, rtol=1e-4, atol=0)


def test_a_relative_teacher_and_the_matcher_give_millimetres():
    pairs = SyntheticPairs("train", 1, (96, 128), cache=False)
    found = label(StereoSource(), relative(3.0, 0.2), pairs=pairs)
    off = found.depth[found.known] / pairs[0]["depth_mm"][found.known] - 1
    assert float(found.known.float().mean()) > 0.5
    assert float(off.abs().median()) < 0.01
    assert float(off.abs().max()) < 0.1


def test_a_teacher_of_another_resolution_is_resized():
    plane = Fake(lambda batch: DepthMap(torch.full((1, 1, 32, 48), 0.25), Kind.FRACTION))
    rig = PAIRS[0]["rig"]
    true_mm = rig.fx * rig.baseline_mm / (24 - rig.principal_offset)
    found = label(plane)
    torch.testing.assert_close(found.depth, true_mm.expand(1, 64, 96), rtol=1e-5, atol=0)


def test_teachers_that_agree_nowhere_give_no_label_and_say_so_once(caplog):
    turned = relative(-1.0, 1.0)
    for other in (changed(lambda depth: 2 * depth), turned):
        caplog.clear()
        taught = Taught(PAIRS, {"exact": ExactSource(), "other": other})
        with caplog.at_level(logging.WARNING):
            assert not any(sample["depth_label"].known.any() for sample in taught)
        assert [f"{PAIRS[0]['key']}: no label" in one.message for one in caplog.records] == [True]


def test_no_true_depth_reaches_a_training_batch():
    data = StereoData(
        *(PAIRS, PAIRS, PAIRS),
        (64, 96),
        2,
        labels=lambda pairs: Taught(pairs, {"m": StereoSource()}),
    )
    data.needs = frozenset({"left", "right", "depth_label"})
    (batch,) = data.train_dataloader()
    assert batch.keys() & {"depth_mm", "mask", "occluded"} == set()
    assert batch["depth_label"].known.shape == (2, 1, 64, 96)
    assert "depth_mm" in next(iter(data.val_dataloader()))  # of the log


@pytest.mark.parametrize(
    ("teachers", "pairs", "error", "words"),
    [
        ({"matcher": None}, PAIRS, ConfigError, "no teacher is left; choose teacher=matcher"),
        ({"big": relative(1, 0)}, PAIRS, ConfigError, "big cannot teach millimetres"),
        (
            {"matcher": StereoSource()},
            but(rig=StereoRig.uncalibrated(96, 64)),
            DataError,
            "no calibration",
        ),
        (
            {"big": Fake(lambda batch: DepthMap(torch.ones(1, 1, 50, 50), Kind.DEPTH))},
            PAIRS,
            DataError,
            "teacher big gives a map of 50x50 for an image of 96x64",
        ),
    ],
)
def test_what_cannot_be_taught_is_one_line(teachers: Any, pairs: Any, error: Any, words: str):
    with pytest.raises(error, match=words):
        Taught(pairs, teachers)[0]
