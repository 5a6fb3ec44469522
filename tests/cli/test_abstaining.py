"""How surely a frame's scale is known: from a checkpoint to exports, predictions and refusals."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import m3depth, succeed

from m3depth.io.torch_files import read_torch_file, write_torch_file

DATA = ("data=synthetic", "data.test.count=3", "data.size=[32,48]", "writer=npz")


@pytest.fixture
def telling(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that says how strange images are to it; one of two validation pairs does not."""
    saved = read_torch_file(checkpoint, "checkpoint")
    saved["m3depth"]["scale_deviation"] = {"floor": 0.05, "slope": 0.5, "usual": 0.0}
    write_torch_file(tmp_path / "telling.ckpt", saved)
    return tmp_path / "telling.ckpt"


def deviations(scene: Path) -> list[float]:
    files = sorted((scene / "priors").glob("*.npz"))
    return [float(np.load(file)["scale_deviation"]) for file in files]


def test_export_marks_the_frames_above_the_limit(telling: Path, tmp_path: Path):
    export = ("export", f"checkpoint={telling}", *DATA)
    succeed(*export, f"output={tmp_path}/all")
    told = deviations(tmp_path / "all")
    assert len(set(told)) == 3
    assert min(told) > 0.05
    limit = sorted(told)[1]
    done = succeed(*export, f"writer.max_scale_deviation={limit!r}", f"output={tmp_path}/some")
    assert "1 of 3 frames are marked invalid" in done.err + done.out
    assert deviations(tmp_path / "some") == told
    valid = [np.load(f)["valid"].any() for f in sorted((tmp_path / "some/priors").glob("*.npz"))]
    assert valid == [one <= limit for one in told]
    meta = json.loads((tmp_path / "some/depth_meta.json").read_text())
    assert meta["scale_deviation"]["frames_excluded"] == 1
    refused = m3depth(*export, "writer.max_scale_deviation=0.01", f"output={tmp_path}/none")
    assert refused.status == 1
    assert "3 of 3 frames are marked invalid" in refused.line


def test_predict_tells_it_too(telling: Path, tmp_path: Path, pairs: Path):
    succeed("predict", f"checkpoint={telling}", f"input={pairs}/left", f"output={tmp_path}/out")
    told = [float(np.load(f)["scale_deviation"]) for f in sorted((tmp_path / "out").glob("*.npz"))]
    said = json.loads((tmp_path / "out/predictions.json").read_text())["scale_deviation"]
    assert said["median"] == pytest.approx(float(np.median(told)))
    assert said["largest"] == pytest.approx(max(told))


@pytest.mark.parametrize("source", ["exact", "stereo", "network"])
def test_a_limit_needs_a_source_that_tells(source: str, checkpoint: Path, tmp_path: Path):
    given = (f"checkpoint={checkpoint}",) if source == "network" else ()
    limited = ("writer.max_scale_deviation=0.2", f"output={tmp_path}/out")
    told = m3depth("export", f"source={source}", *given, *DATA, *limited)
    assert told.status == 2
    assert "writer.max_scale_deviation=0.2: " in told.line
    assert "does not say how surely it knows a frame's scale" in told.line
