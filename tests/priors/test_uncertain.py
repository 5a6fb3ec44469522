"""The deviation of a frame's scale: through every writer, back again, and as a limit."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from prior_scenes import endonerf, export, meta_of, some_priors

from m3depth.check.prior.unsound import unsound
from m3depth.errors import ConfigError, DataError
from m3depth.priors.files import write_prediction
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.npz.read import npz_scene, splat
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.priors.prior import DepthPrior
from m3depth.splatting.scene.read import read_clip

TOLD = (0.05, 0.12, 0.3)


def npz(folder: Path, **options: float) -> SceneWriter:
    return SceneWriter(folder, NpzLayout(), **options)


def told(values: tuple[float | None, ...] = TOLD) -> list[DepthPrior]:
    priors = some_priors(False, cx=31.5, cy=23.5)
    return [replace(p, scale_deviation=v) for p, v in zip(priors, values, strict=True)]


both = pytest.mark.parametrize("writer", [npz, endonerf])


@both
def test_it_comes_back_from_where_splat_reads(tmp_path: Path, writer: Callable) -> None:
    scene = export(writer(tmp_path / "scene"), told())
    assert [frame.scale_deviation for frame in read_clip(scene).frames] == list(TOLD)
    records = [json.loads(path.read_text()) for path in sorted((scene / "frames").iterdir())]
    assert [record["scale_deviation"] for record in records] == list(TOLD)
    said = meta_of(scene)["scale_deviation"]
    assert said["excluded_above"] is None
    assert said["frames_excluded"] == 0


@both
def test_a_source_that_says_none_writes_none(tmp_path: Path, writer: Callable) -> None:
    scene = export(writer(tmp_path / "scene"), told((None, None, None)))
    assert {frame.scale_deviation for frame in read_clip(scene).frames} == {None}
    assert "scale_deviation" not in meta_of(scene)


@both
def test_frames_above_the_limit_are_marked_invalid_and_counted(
    tmp_path: Path, writer: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    free = read_clip(export(writer(tmp_path / "free"), told()))
    scene = export(writer(tmp_path / "scene", max_scale_deviation=0.12), told())
    if writer is npz:
        frames = [np.load(path) for path in sorted((scene / "priors").glob("*.npz"))]
        assert [bool(frame["valid"].any()) for frame in frames] == [True, True, False]
        assert frames[2]["depth_mm"].any()
    clip = read_clip(scene)
    assert [bool(frame.known.any()) for frame in clip.frames] == [True, True, False]
    assert torch.equal(clip.frames[1].known, free.frames[1].known)
    assert meta_of(scene)["scale_deviation"]["frames_excluded"] == 1
    lines = [line for line in caplog.messages if "marked invalid" in line]
    assert len(lines) == 1
    assert lines[0].startswith("1 of 3 frames are marked invalid")
    assert "0.05 to 0.3" in lines[0]


@both
def test_a_limit_needs_a_source_that_says_it(tmp_path: Path, writer: Callable) -> None:
    limited = writer(tmp_path, max_scale_deviation=0.2, model="OpenCV SGBM")
    with pytest.raises(ConfigError, match=r"max_scale_deviation=0\.2: OpenCV SGBM does not say"):
        limited.write(0, told((None, None, None))[0])
    assert not list(tmp_path.iterdir())


@both
def test_a_limit_below_all_frames_is_refused(tmp_path: Path, writer: Callable) -> None:
    limited = writer(tmp_path, max_scale_deviation=0.01)
    for index, prior in enumerate(told()):
        limited.write(index, prior)
    with pytest.raises(DataError, match=r"3 of 3 frames are marked invalid.*raise it"):
        limited.finish(3)


@pytest.mark.parametrize("limit", [-0.1, float("nan")])
def test_a_limit_is_a_number_from_nought_on(tmp_path: Path, limit: float) -> None:
    with pytest.raises(ConfigError, match=r"writer\.max_scale_deviation"):
        npz(tmp_path, max_scale_deviation=limit)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_no_frame_with_an_impossible_one_is_written_or_read(tmp_path: Path, value: float) -> None:
    with pytest.raises(DataError, match="scale deviation"):
        npz(tmp_path / "new").write(0, told((value, 0.1, 0.1))[0])
    scene = export(npz(tmp_path / "scene"), told())
    path = scene / "priors" / "000001.npz"
    arrays = {**np.load(path), "scale_deviation": np.float64(value)}
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="scale deviation"):
        read_clip(scene)
    found = [one.code for one in unsound(npz_scene(scene, 3, splat()))]
    assert "scale_deviation" in found


def test_predict_writes_it_too(tmp_path: Path) -> None:
    write_prediction(told()[1], tmp_path / "a")
    write_prediction(told((None, None, None))[1], tmp_path / "b")
    with np.load(tmp_path / "a.npz") as numbers:
        assert float(numbers["scale_deviation"]) == pytest.approx(0.12)
    with np.load(tmp_path / "b.npz") as numbers:
        assert "scale_deviation" not in numbers
