"""Train, evaluate, predict and export in miniature: every file that the contract names."""

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from command_line import Told, m3depth, succeed

from m3depth.data.synthetic import SyntheticPairs
from m3depth.priors.exporting import Export

SCENES = ("data.test.count=3", "data.train.count=4", "data.val.count=2")
SIZE = (32, 48)


def test_training_leaves_what_the_contract_names(trained: tuple[Path, Told]):
    run, told = trained
    assert told.status == 0, told.err
    assert "Traceback" not in told.err
    assert {path.name for path in run.iterdir()} == {
        *("config.yaml", "metrics.json", "metrics.csv", "per_frame.csv", "report.html"),
        *("checkpoints", ".m3depth"),
    }
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}
    assert [path.name for path in run.parent.iterdir()] == ["run"]  # nothing of Hydra's or others'


def test_a_checkpoint_in_the_working_folder(
    trained: tuple[Path, Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(trained[0] / "checkpoints")
    few = ("data.test.count=1", "data.train.count=1", "data.size=[32,48]")
    succeed("evaluate", "checkpoint=best.ckpt", *few, f"output={tmp_path}")
    assert ">Training<" in (tmp_path / "report.html").read_text()  # its curves were found


def test_the_configuration_of_a_run_is_resolved(trained: tuple[Path, Told]):
    config = yaml.safe_load((trained[0] / "config.yaml").read_text())
    assert config["network"]["encoder"] == "test_resnet"
    assert config["network"]["initial_disparity"] == config["data"]["typical_disparity"]
    assert "${" not in json.dumps(config)


def test_curves_hold_every_term_and_the_learning_rate(trained: tuple[Path, Told]):
    with (trained[0] / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "1"]
    terms = ("loss", "photometric", "left_right", "smoothness", "icp")
    for row in rows:
        assert all(float(row[f"train/{term}"]) >= 0 for term in terms)
        total = sum(float(row[f"train/{term}"]) for term in (*terms[1:], "error"))
        assert float(row["train/loss"]) == pytest.approx(total, rel=1e-5)
        assert float(row["train/left_out"]) == 0
    assert float(rows[-1]["val/mae_mm"]) > 0
    assert float(rows[0]["lr-Adam"]) == 1e-4


def numbers(path: Path) -> dict[str, object]:
    metrics = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(word))
    expected = {"mae_mm", "abs_rel", "sq_rel_mm", "rmse_mm", "rmse_log", "d1", "d2", "d3"}
    assert expected | {"epe_px", "bad2", "ssim"} <= metrics["metrics"].keys()
    assert "sgbm" in metrics["baselines"]
    assert {"data", "protocol", "alignment", "frames", "valid_pixels", "scale"} <= metrics.keys()
    assert {"version", "config_sha256"} <= metrics.keys()
    return metrics


def test_a_run_is_scored_on_its_test_pairs(trained: tuple[Path, Told]):
    metrics = numbers(trained[0] / "metrics.json")
    assert (metrics["data"], metrics["frames"]) == ("synthetic", 2)
    assert metrics["checkpoint"].endswith("best.ckpt")
    assert metrics["baselines"]["mean_depth"]["mae_mm"] > 0


def test_evaluate(checkpoint: Path, tmp_path: Path):
    told = succeed(
        *("evaluate", f"checkpoint={checkpoint}", "protocol=median", f"output={tmp_path}/out"),
        *SCENES,
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        *("metrics.json", "per_frame.csv", "report.html")
    }
    metrics = numbers(tmp_path / "out/metrics.json")
    assert (metrics["protocol"], metrics["alignment"]) == ("median", "median")
    assert metrics["frames"] == 3
    with (tmp_path / "out/per_frame.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    assert "mae_mm" in told.err


def test_several_protocols_make_one_table(checkpoint: Path, tmp_path: Path):
    told = succeed(
        *("evaluate", f"checkpoint={checkpoint}", "protocol=[afsfm,unscaled,m3depth]"),
        *(f"output={tmp_path}", *SCENES),
    )
    heading, *rows = told.out.splitlines()
    assert heading.split()[:4] == ["protocol", "alignment", "frames", "mae_mm"]
    assert [row.split()[:3] for row in rows] == [
        *(["afsfm", "median", "3"], ["unscaled", "none", "3"], ["m3depth", "none", "3"])
    ]
    metrics = numbers(tmp_path / "metrics.json")
    assert (metrics["protocol"], metrics["alignment"]) == ("afsfm", "median")
    assert list(metrics["protocols"]) == ["afsfm", "unscaled", "m3depth"]
    for protocol in metrics["protocols"].values():
        low, high = protocol["intervals"]["mae_mm"]
        assert low <= protocol["metrics"]["mae_mm"] <= high
    page = (tmp_path / "report.html").read_text()
    assert all(f"<th>{name}</th>" in page for name in metrics["protocols"])


def test_a_rival_is_measured_by_the_same_code(checkpoint: Path, pairs: Path, tmp_path: Path):
    """Our own predictions, written by `predict` and read back, score as the checkpoint does."""
    data = ("data=folder", f"data.root={pairs}", "data.workers=0", "protocol=[unscaled,median]")
    succeed("evaluate", f"checkpoint={checkpoint}", *data, f"output={tmp_path}/own")
    succeed(
        *("predict", f"checkpoint={checkpoint}", f"input={pairs}/left"),
        *(f"rig={pairs}/rig.yaml", f"output={tmp_path}/theirs"),
    )
    succeed("evaluate", f"predictions={tmp_path}/theirs", *data, f"output={tmp_path}/rival")
    own, rival = (numbers(tmp_path / name / "metrics.json") for name in ("own", "rival"))
    assert rival["predictions"] == {"folder": f"{tmp_path}/theirs", "kind": "depth_mm", "scale": 1}
    assert "checkpoint" not in rival
    for name in own["protocols"]:
        one, other = (record["protocols"][name] for record in (own, rival))
        assert other["metrics"].pop("density") == 1
        assert other["metrics"] == pytest.approx(one["metrics"], rel=1e-3, abs=1e-3)
        assert other["scale"] == pytest.approx(one["scale"], rel=1e-4)
        assert other["baselines"]["sgbm"] == one["baselines"]["sgbm"]


def test_evaluating_the_same_pairs_again_gives_the_run_s_own_numbers(
    trained: tuple[Path, Told], checkpoint: Path, tmp_path: Path
):
    scenes = ("data.test.count=2", "data.train.count=4", "data.val.count=2")
    succeed("evaluate", f"checkpoint={checkpoint}", f"output={tmp_path}", *scenes)
    ours = json.loads((tmp_path / "metrics.json").read_text())
    theirs = json.loads((trained[0] / "metrics.json").read_text())
    assert ours["metrics"] == pytest.approx(theirs["metrics"], rel=1e-5)
    assert ours["baselines"] == theirs["baselines"]


def test_evaluate_on_a_folder(checkpoint: Path, pairs: Path, tmp_path: Path):
    succeed(
        *("evaluate", f"checkpoint={checkpoint}", "data=folder", f"data.root={pairs}"),
        *(f"output={tmp_path}", "data.workers=0"),
    )
    metrics = numbers(tmp_path / "metrics.json")
    assert (metrics["data"], metrics["frames"]) == ("folder", 3)


def test_predict_a_folder(checkpoint: Path, pairs: Path, tmp_path: Path):
    succeed(
        *("predict", f"checkpoint={checkpoint}", f"input={pairs}/left", f"output={tmp_path}/out"),
        *(f"rig={pairs}/rig.yaml", "ply=true"),
    )
    names = {path.name for path in (tmp_path / "out").iterdir()}
    own = {f"{i:03d}.{kind}" for i in range(3) for kind in ("npz", "png", "ply")}
    assert names == own | {"contact_sheet.png", "predictions.json", ".m3depth"}
    with np.load(tmp_path / "out/001.npz") as saved:
        told = {"kind", "scale", "unit"}
        assert set(saved) == {"depth_mm", "disparity_px", "confidence", "intrinsics"} | told
        for name in ("depth_mm", "disparity_px", "confidence"):
            assert saved[name].shape == SIZE
            assert np.isfinite(saved[name]).all()
        rig = yaml.safe_load((pairs / "rig.yaml").read_text())
        assert saved["intrinsics"][0, 0] == pytest.approx(rig["fx"])
        offset = rig["cx"] - rig["cx_right"]
        expected = rig["fx"] * rig["baseline_mm"] / (saved["disparity_px"] - offset)
        np.testing.assert_allclose(saved["depth_mm"], expected, rtol=1e-4)
    shown = cv2.imread(str(tmp_path / "out/001.png"))
    source = cv2.imread(str(pairs / "left/001.png")).repeat(6, 0).repeat(6, 1)  # 288 px wide
    assert np.array_equal(shown[26 : 26 + 192, 12 : 12 + 288], source)


def test_without_a_rig_the_training_camera_is_taken(checkpoint: Path, pairs: Path, tmp_path: Path):
    image = pairs / "left/000.png"
    succeed("predict", f"checkpoint={checkpoint}", f"input={image}", f"output={tmp_path}")
    rig = SyntheticPairs("train", 4, SIZE)[0]["rig"]
    with np.load(tmp_path / "000.npz") as saved:
        assert saved["intrinsics"][0, 0] == pytest.approx(float(rig.fx))


def test_an_unreadable_image_is_skipped_and_counted(checkpoint: Path, pairs: Path, tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.png").write_bytes((pairs / "left/000.png").read_bytes())
    (folder / "b.png").write_bytes(b"no picture")
    told = succeed("predict", f"checkpoint={checkpoint}", f"input={folder}", f"output={tmp_path}/o")
    assert "skipped" in told.err
    assert "b.png" in told.err
    assert "1 skipped" in told.err
    assert {path.name for path in (tmp_path / "o").iterdir()} == {
        *("a.npz", "a.png", "predictions.json", ".m3depth")
    }


def test_predict_a_video(checkpoint: Path, pairs: Path, tmp_path: Path):
    images = [cv2.imread(str(path)) for path in sorted((pairs / "left").iterdir())]
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 12, SIZE[::-1])
    for image in images:
        writer.write(image)
    writer.release()
    output = tmp_path / "out"
    told = succeed("predict", f"checkpoint={checkpoint}", f"input={video}", f"output={output}")
    film = cv2.VideoCapture(str(output / "predictions.webm"))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(12)
    assert sum(iter(film.grab, False)) == 3
    about = json.loads((output / "predictions.json").read_text())
    assert (about["frames"], about["skipped"]) == (3, 0)
    near, far = (about["colours"][name] for name in ("near_mm", "far_mm"))
    depths = np.stack([np.load(path)["depth_mm"] for path in sorted(output.glob("*.npz"))])
    low, high = np.percentile(depths, [1, 99])
    assert near == pytest.approx(low, rel=0.1)
    assert far == pytest.approx(high, rel=0.1)
    assert f"depth, mm, ≤ {near:g} is red, ≥ {far:g} blue (1st to 99th percentile" in told.err


def test_the_range_of_colours_can_be_asked_for(checkpoint: Path, pairs: Path, tmp_path: Path):
    asked = (f"input={pairs}/left", f"output={tmp_path}", "near_mm=30", "far_mm=150")
    told = succeed("predict", f"checkpoint={checkpoint}", *asked)
    assert "≤ 30 is red, ≥ 150 blue (near_mm= and far_mm=)" in told.err
    told = m3depth("predict", f"checkpoint={checkpoint}", *asked[:2], "near_mm=30", "far_mm=20")
    assert (told.status, "far_mm=20: expected a number from 30" in told.line) == (2, True)


def test_if_no_image_can_be_read_that_is_an_error(checkpoint: Path, tmp_path: Path):
    (tmp_path / "b.png").write_bytes(b"no picture")
    told = m3depth("predict", f"checkpoint={checkpoint}", f"input={tmp_path}/b.png", "output=x")
    assert told.status == 1
    assert "not one of 1 frames could be read" in told.err.splitlines()[-1]


def files_below(folder: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_export_in_endonerf_s_layout(checkpoint: Path, tmp_path: Path):
    arguments = ("export", f"checkpoint={checkpoint}", *SCENES, "data.size=[32,48]")
    succeed(*arguments, f"output={tmp_path}/whole")
    whole = files_below(tmp_path / "whole")
    for folder in ("images", "depth", "masks"):
        assert [n for n in whole if n.startswith(f"{folder}/")] == [
            f"{folder}/{i:06d}.png" for i in range(3)
        ]
    poses = np.load(tmp_path / "whole/poses_bounds.npy")
    assert poses.shape == (3, 17)
    assert (poses[:, 15] < poses[:, 16]).all()
    depth = cv2.imread(str(tmp_path / "whole/depth/000000.png"), cv2.IMREAD_UNCHANGED)
    picture = cv2.imread(str(tmp_path / "whole/images/000000.png"))
    assert depth.dtype == np.uint16
    assert depth.shape == picture.shape[:2]
    meta = json.loads(whole["depth_meta.json"])
    assert meta["checkpoint_sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert meta["unit"] == "mm"


def test_shards_make_the_same_export(checkpoint: Path, tmp_path: Path):
    arguments = ("export", f"checkpoint={checkpoint}", *SCENES, "data.size=[32,48]")
    succeed(*arguments, f"output={tmp_path}/whole")
    for shard in ("1/2", "0/2"):
        assert not (tmp_path / "parts/depth_meta.json").exists()
        succeed(*arguments, f"output={tmp_path}/parts", f"shard={shard}")
    whole, parts = files_below(tmp_path / "whole"), files_below(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    assert whole == parts


OTHERS = {"rig": ("data.test.rig={}/other.yaml", "baseline_mm"), "option": ("flip=true", "model")}


@pytest.mark.parametrize("together", [False, True], ids=["one after the other", "together"])
@pytest.mark.parametrize("other", OTHERS)
def test_shards_of_another_rig_or_option_are_not_mixed(
    checkpoint: Path,
    pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    other: str,
    together: bool,
):
    rig = yaml.safe_load((pairs / "rig.yaml").read_text())
    near = {"baseline_mm": rig["baseline_mm"] * 1.02}  # more would also be told at once
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(rig | near))
    usual = ("export", f"checkpoint={checkpoint}", "data=frames", f"data.root={pairs}/left")
    usual = (*usual, f"data.test.rig={pairs}/rig.yaml", "writer=npz")
    output = tmp_path / "parts"
    succeed(*usual, f"output={output}", "shard=0/2")
    if together:  # what the first has written is there when the second has begun
        output = tmp_path / "second"
        write = Export.__call__

        def and_the_first(*arguments: Any) -> None:
            write(*arguments)
            shutil.copytree(tmp_path / "parts", output, dirs_exist_ok=True)

        monkeypatch.setattr(Export, "__call__", and_the_first)
    setting, named = OTHERS[other]
    told = m3depth(*usual, f"output={output}", "shard=1/2", setting.format(tmp_path))
    assert told.status == 2
    assert f"000000.json: was exported with another {named}" in told.err.splitlines()[-1]
    assert not (output / "depth_meta.json").exists()
    assert (output / "frames/000001.json").exists() == together


def test_one_precision_has_two_names(checkpoint: Path, tmp_path: Path):
    arguments = ("export", f"checkpoint={checkpoint}", *SCENES, "data.size=[32,48]")
    succeed(*arguments, f"output={tmp_path}", "shard=0/2")
    succeed(*arguments, f"output={tmp_path}", "precision=32-true")
    assert json.loads((tmp_path / "depth_meta.json").read_text())["model"] == "m3depth best.ckpt"


def test_export_of_a_folder_by_default_has_the_folder_s_own_size(
    checkpoint: Path, pairs: Path, tmp_path: Path
):
    succeed(
        *("export", f"checkpoint={checkpoint}", "data=folder", f"data.root={pairs}"),
        f"output={tmp_path}",
    )
    assert (tmp_path / "depth_meta.json").is_file()
