"""From a clip's own depth to a fitted scene: every file that the contract names."""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import Told, m3depth, succeed

from m3depth.splatting.fit import FitState

CLIP = ("data=synthetic_clip", "data.test.frames=4", "data.size=[48,64]")
SMALL = ("recipe.iterations=24", "objective.start.count=500", "recipe.density.every=8")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("exported") / "scene"
    succeed("export", "source=exact", "writer=npz", *CLIP, f"output={output}")
    return output


def splat(scene: Path, output: Path, *more: str) -> Told:
    return m3depth("splat", f"scene={scene}", f"output={output}", *SMALL, *more)


def state(output: Path) -> dict[str, torch.Tensor]:
    saved = torch.load(output / "checkpoints/last.ckpt", weights_only=True)
    return saved["splats"]


@pytest.fixture(scope="module")
def fitted(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("fitted") / "fit"
    told = splat(scene, output, f"truth={scene}", "mesh=true", "mesh_voxel_mm=2")
    assert told.status == 0, told.err
    return output


def test_a_fit_leaves_what_the_contract_names(fitted: Path):
    assert {path.name for path in fitted.iterdir()} == {
        *("metrics.json", "metrics.csv", "config.yaml", "report.html"),
        *("gaussians.ply", "mesh.ply", "renders", "checkpoints", ".m3depth"),
    }
    named = {f"00000{i}{end}" for i in range(4) for end in (".png", "_depth.png", "_depth.npy")}
    assert {path.name for path in (fitted / "renders").iterdir()} == named | {"renders.webm"}


def test_its_numbers_are_against_the_truth(fitted: Path):
    text = (fitted / "metrics.json").read_text()
    record = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    assert record["metrics"].keys() == {"psnr", "ssim", "mae_mm", "abs_rel", "rmse_mm"}
    assert 0 < record["metrics"]["mae_mm"] < 3
    assert record["metrics"]["psnr"] > 20
    assert record["baselines"]["prior"] == {
        **{"mae_mm": 0.0, "abs_rel": 0.0, "rmse_mm": 0.0},
        "density": 1.0,
    }
    assert (record["frames"], record["keys"], record["iterations"]) == (1, ["000001"], 24)
    assert {"alignment", "median_scaled", "agreement", "version", "config_sha256"} <= record.keys()
    columns = (fitted / "metrics.csv").read_text().splitlines()
    assert columns[0] == "step,gaussians,loss,colour_l1,depth"
    assert [line.split(",")[0] for line in columns[1:]] == ["10", "20", "24"]


def test_the_report_shows_them(fitted: Path):
    page = (fitted / "report.html").read_text()
    record = json.loads((fitted / "metrics.json").read_text())
    assert "splat: m3depth" in page
    assert f"{record['metrics']['mae_mm']:.3f}" in page
    assert f"{record['metrics']['psnr']:.2f}" in page
    assert page.count('<img src="data:image/png;base64,') == 8
    assert "http" not in page.split("</style>")[0]


def test_an_objective_is_chosen_by_its_name_and_nothing_is_claimed_without_a_truth(
    scene: Path, tmp_path: Path
):
    told = splat(scene, tmp_path / "fit", "objective=colour", "objective.start.count=300")
    assert told.status == 0, told.err
    record = json.loads((tmp_path / "fit/metrics.json").read_text())
    assert record["metrics"].keys() == {"psnr", "ssim"}
    assert "baselines" not in record
    header = (tmp_path / "fit/metrics.csv").read_text().splitlines()[0]
    assert header == "step,gaussians,loss,colour_l1"
    assert "No truth was given" in (tmp_path / "fit/report.html").read_text()


def test_a_fit_goes_on_where_it_was_stopped(scene: Path, fitted: Path, tmp_path: Path):
    output = tmp_path / "fit"
    assert splat(scene, output, "checkpoint_every=10").status == 0
    whole = state(output)
    path = output / "checkpoints/last.ckpt"
    # as if it had been killed after the checkpoint of iteration 10
    from m3depth.cli import splat as verb

    stopped = tmp_path / "stopped"

    def killed(*arguments: object) -> None:
        verb_save(*arguments)
        raise KeyboardInterrupt

    verb_save, verb.save = verb.save, killed
    try:
        told = splat(scene, stopped, "checkpoint_every=10")
    finally:
        verb.save = verb_save
    assert (told.status, "splat: stopped; " in told.line) == (1, True)
    assert "checkpoint=last" in told.line
    assert torch.load(stopped / "checkpoints/last.ckpt", weights_only=True)["done"] == 10
    assert splat(scene, stopped, "checkpoint_every=10", "checkpoint=last").status == 0
    assert all(torch.equal(one, whole[name]) for name, one in state(stopped).items())
    assert (stopped / "metrics.csv").read_text() == (output / "metrics.csv").read_text()
    another = tmp_path / "another"
    other = splat(scene, another, f"checkpoint={path}", "objective=deform3dgs")
    assert (other.status, "another objective" in other.line) == (2, True)
    shifted = Path(shutil.copytree(scene, tmp_path / "shifted"))
    saved = dict(np.load(shifted / "priors/000002.npz"))
    saved["depth_mm"] += 1
    np.savez(shifted / "priors/000002.npz", **saved)
    other = splat(shifted, another, f"checkpoint={path}")
    assert (other.status, "another scene" in other.err.splitlines()[-1]) == (2, True)
    assert "changed since the export: priors/000002.npz" in other.err


def test_a_fit_that_is_asked_to_stop_goes_on_by_itself(
    scene: Path, fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from m3depth.cli import splat as verb

    fit, output = verb.fit, tmp_path / "fit"

    def with_a_signal(state: object, clip: object, *parts: object) -> None:
        objective, recipe, after, told = parts

        def and_ask(now: FitState, terms: dict[str, float]) -> None:
            if now.done == 7:
                os.kill(os.getpid(), signal.SIGTERM)
            after(now, terms)

        fit(state, clip, objective, recipe, and_ask, told)

    monkeypatch.setattr(verb, "fit", with_a_signal)
    told = splat(scene, output, f"truth={scene}")
    assert told.status == 1
    assert f"stopped; m3depth splat output={output} checkpoint=last goes on" in told.line
    assert torch.load(output / "checkpoints/last.ckpt", weights_only=True)["done"] == 7
    monkeypatch.setattr(verb, "fit", fit)
    told = succeed("splat", f"output={output}", "checkpoint=last")
    assert f"INFO resuming {output}" not in told.err  # nothing differs
    whole = state(fitted)
    assert all(torch.equal(one, whole[name]) for name, one in state(output).items())
    assert (output / "metrics.csv").read_text() == (fitted / "metrics.csv").read_text()


def test_a_fit_goes_on_for_longer(fitted: Path, tmp_path: Path):
    output = Path(shutil.copytree(fitted, tmp_path / "fit"))
    told = m3depth("splat", f"output={output}", "checkpoint=last")
    assert (told.status, "has its 24 iterations; for more give, say, recipe.it" in told.err) == (
        2,
        True,
    )
    told = succeed("splat", f"output={output}", "checkpoint=last", "recipe.iterations=30")
    assert f"resuming {output}: recipe.iterations 24 -> 30" in told.err
    assert json.loads((output / "metrics.json").read_text())["iterations"] == 30
    steps = [row.split(",")[0] for row in (output / "metrics.csv").read_text().splitlines()]
    assert steps == ["step", "10", "20", "24", "30"]
    before = (output / "config.yaml").read_bytes()
    for change, said in (
        ("recipe.degree=2", "another recipe"),
        ("recipe.iterations=9", "more than"),
    ):
        told = m3depth("splat", f"output={output}", "checkpoint=last", change)
        assert (told.status, said in told.line) == (2, True)
    assert (output / "config.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        pytest.param(["scene=nowhere"], 1, "nowhere: no scene", id="no scene"),
        pytest.param(["truth=nowhere"], 1, "nowhere: no scene", id="no truth"),
        pytest.param(["objective=nothing"], 2, "nothing", id="no objective"),
        pytest.param(["checkpoint=last"], 1, "no such file", id="no checkpoint"),
        pytest.param(["recipe.degree=4"], 2, "degree=4: expected", id="degree"),
        pytest.param(["recipe.iterations=0"], 2, "iterations=0: expected", id="iterations"),
        pytest.param(["time=2"], 2, "time=2: expected a number from 0 to 1", id="time"),
        pytest.param(["time=abc"], 2, "time=abc: expected a number", id="no time"),
        pytest.param(["checkpoint_every=0"], 2, "checkpoint_every=0: expected", id="every"),
        pytest.param(["mesh_voxel_mm=0"], 2, "mesh_voxel_mm=0: expected", id="voxel"),
        pytest.param(["mesh=maybe"], 2, "mesh=maybe: expected true or false", id="mesh"),
        pytest.param(["recipe.rate=1"], 2, "rate", id="no such option"),
    ],
)
def test_a_mistake_is_one_line(
    scene: Path, tmp_path: Path, changes: list[str], status: int, said: str
):
    told = splat(scene, tmp_path / "fit", *changes)
    assert told.status == status
    assert said in told.line
    assert told.line.startswith("m3depth splat: ")


def test_a_mesh_without_open3d_is_refused_before_the_fit(
    scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "open3d", None)
    told = splat(scene, tmp_path / "fit", "mesh=true")
    assert (told.status, "mesh=true needs open3d" in told.line) == (2, True)
    assert not (tmp_path / "fit/config.yaml").exists()


def test_a_scene_must_be_named():
    told = m3depth("splat")
    assert (told.status, "scene= must be given" in told.line) == (2, True)


def test_the_truth_must_have_the_scenes_frames(scene: Path, tmp_path: Path):
    other = Path(shutil.copytree(scene, tmp_path / "truth"))
    (other / "priors/000001.npz").rename(other / "priors/000009.npz")
    told = splat(scene, tmp_path / "fit", f"truth={other}")
    assert (told.status, "truth: no frame 000001" in told.line) == (1, True)


def test_what_the_stereo_matcher_gives_is_fitted_too(tmp_path: Path):
    scene = tmp_path / "scene"
    succeed("export", "source=stereo", "writer=endonerf", *CLIP, f"output={scene}")
    meta = json.loads((scene / "depth_meta.json").read_text())
    assert meta["model"] == "OpenCV SGBM, both images"
    told = splat(scene, tmp_path / "fit", "objective=surgicalgs", "recipe.iterations=8")
    assert told.status == 0, told.err


def test_scores_of_an_edited_scene_say_so(scene: Path, tmp_path: Path):
    edited, fit = tmp_path / "edited", tmp_path / "fit"
    shutil.copytree(scene, edited)
    path = edited / "priors/000002.npz"
    saved = dict(np.load(path))
    np.savez(path, **(saved | {"depth_mm": saved["depth_mm"] + 9 * saved["valid"]}))
    told = splat(edited, fit, f"truth={scene}", "foreign.depth_unit_mm=1")
    assert told.status == 0, told.err
    assert "changed since the export: priors/000002.npz" in told.err
    assert "foreign.* is not used" in told.err
    record = json.loads((fit / "metrics.json").read_text())
    assert record["scene_edited"] == ["priors/000002.npz"]
    assert "truth_edited" not in record
    assert record["counted"] == {"pictures": 1, "depth": 1}
    assert "changed since its export (priors/000002.npz)" in (fit / "report.html").read_text()


@pytest.mark.parametrize("file", ["depth/000001.png", "poses_bounds.npy"])
def test_an_export_given_again_does_not_replace_what_was_edited(tmp_path: Path, file: str):
    output = tmp_path / "scene"
    again = ("export", "source=exact", "writer=endonerf", *CLIP, f"output={output}")
    succeed(*again)
    succeed(*again)
    path = output / file
    edited = path.read_bytes() + b"edited"
    path.write_bytes(edited)
    told = m3depth(*again)
    assert told.status == 2
    assert f"{output}: changed since the export: {file}; going on would" in told.line
    assert path.read_bytes() == edited
    path.unlink()
    succeed(*again)
    assert path.read_bytes() == edited.removesuffix(b"edited")
