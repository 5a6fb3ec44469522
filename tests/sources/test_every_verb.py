"""``evaluate``, `predict`, `export` and `check` take the same sources of depth."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import m3depth, succeed
from pair_files import write_pairs

PLUGINS = Path(__file__).parents[1] / "plugins"
OWN = (f"--config-dir={PLUGINS / 'conf'}", "source=brightness")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("folder") / "pairs")


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PLUGINS)


def metrics(folder: Path) -> dict[str, float]:
    return json.loads((folder / "metrics.json").read_text())["metrics"]


def test_relative_depth_is_predicted_and_scored_once_it_is_aligned(pairs: Path, tmp_path: Path):
    data = ("data=folder", f"data.root={pairs}", "protocol=scale_shift")
    told = succeed("predict", *OWN, f"input={pairs}/left", f"output={tmp_path}/depth")
    assert "colours: relative inverse depth" in told.err
    with np.load(tmp_path / "depth/000.npz") as numbers:
        assert sorted(numbers) == ["inverse_depth", "kind", "scale", "unit"]
        said = [str(numbers[name]) for name in ("kind", "scale", "unit")]
    assert said == ["inverse_depth", "up_to_scale_and_shift", "none"]
    assert (tmp_path / "depth/000.png").is_file()
    succeed("evaluate", *OWN, *data, f"output={tmp_path}/own")
    succeed("evaluate", *data, f"predictions={tmp_path}/depth", f"output={tmp_path}/files")
    assert metrics(tmp_path / "own")["abs_rel"] > 0
    assert metrics(tmp_path / "files") == pytest.approx(
        metrics(tmp_path / "own") | {"density": 1.0}, rel=1e-4
    )


@pytest.mark.parametrize(
    ("verb", "options", "told"),
    [
        ("export", (*OWN, "writer=npz"), "brightness gives depth up to scale and shift, and here"),
        ("check", OWN, "brightness gives depth up to scale and shift, and here"),
        ("evaluate", OWN, "the prediction is relative"),
    ],
)
def test_millimetres_of_relative_depth_are_refused_in_one_line(
    pairs: Path, tmp_path: Path, verb: str, options: tuple[str, ...], told: str
):
    data = ("data=folder", f"data.root={pairs}", f"output={tmp_path}/out")
    answer = m3depth(verb, *options, *data)
    assert answer.status != 0
    assert told in answer.line


@pytest.mark.parametrize("source", ["exact", "stereo"])
def test_pictures_alone_have_no_depth_and_no_right_view(pairs: Path, tmp_path: Path, source: str):
    files = (f"input={pairs}/left", f"output={tmp_path}/out")
    told = m3depth("predict", f"source={source}", *files)
    assert told.status == 2
    needed = {"exact": "depth_mm", "stereo": "right"}[source]
    assert f"needs {needed} of each frame, and predict has images alone" in told.line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("source", ["exact", "stereo"])
def test_evaluate_scores_what_is_no_network(pairs: Path, tmp_path: Path, source: str):
    data = ("data=folder", f"data.root={pairs}", f"output={tmp_path}/out")
    succeed("evaluate", f"source={source}", *data)
    record = json.loads((tmp_path / "out/metrics.json").read_text())
    assert record["source"] == {"exact": "the data's own depth"}.get(
        source, "OpenCV SGBM, both images"
    )
    assert (record["metrics"]["mae_mm"] == 0) == (source == "exact")
    assert "mean_depth" not in record["baselines"]


def test_predict_draws_and_writes_somebody_s_files(pairs: Path, tmp_path: Path):
    files = (f"input={pairs}/left", f"predictions={pairs}/depth")
    succeed("predict", *files, f"output={tmp_path}/bare")
    succeed("predict", *files, f"output={tmp_path}/posed", f"rig={pairs}/rig.yaml")
    theirs = next((pairs / "depth").glob("000.*"))
    with np.load(tmp_path / "bare/000.npz") as bare, np.load(tmp_path / "posed/000.npz") as posed:
        assert "intrinsics" not in bare
        assert posed["intrinsics"].shape == (3, 3)
        assert np.array_equal(bare["depth_mm"], posed["depth_mm"])
        if theirs.suffix == ".npy":
            assert np.allclose(bare["depth_mm"], np.load(theirs).squeeze())
        assert (bare["depth_mm"] > 0).any()


def test_predictions_belong_to_the_source_folder(pairs: Path, tmp_path: Path):
    files = (f"predictions={pairs}/depth", f"output={tmp_path}/out")
    told = m3depth("evaluate", "source=exact", *files, "data=folder", f"data.root={pairs}")
    assert told.status == 2
    assert "predictions=DIR is read by source=folder" in told.line


def test_check_looks_at_the_depth_of_a_source(pairs: Path, tmp_path: Path):
    sets = (f"input={pairs}", "sample.frames=3")
    own = m3depth("check", *sets)
    same = m3depth("check", *sets, f"predictions={pairs}/depth")
    assert same.out == own.out
    metres = m3depth("check", *sets, f"predictions={pairs}/depth", "scale=0.5")
    assert metres.out != own.out
