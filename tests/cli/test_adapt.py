"""``m3depth adapt`` as a user calls it."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import TINY, m3depth, succeed
from pairs_folder import write_pairs

from m3depth.data.synthetic import SyntheticPairs
from m3depth.networks.trained import load_model, read_checkpoint

SIZE = (64, 96)


@pytest.fixture(scope="module")
def organ(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("organ") / "pairs"
    pairs = SyntheticPairs("test_style", 16, SIZE, cache=False)
    write_pairs(root, [pairs[index] for index in range(16)])
    return root


@pytest.fixture(scope="module")
def adapted(checkpoint: Path, organ: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("adapted") / "run"
    steps = ("levels.steps.steps=2", "levels.steps.every=1", "levels.steps.batch_size=2")
    options = (f"checkpoint={checkpoint}", f"input={organ}", f"output={output}")
    told = succeed("adapt", *options, *steps, "check=warn")
    lines = told.out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["statistics", "scale", "steps"]
    assert lines[-1] == str(output / "checkpoints/best.ckpt")
    return output


def test_the_record_and_the_checkpoint_say_what_was_done(adapted: Path, checkpoint: Path):
    record = json.loads((adapted / "metrics.json").read_text())
    assert [level["level"] for level in record["levels"]] == ["statistics", "scale", "steps"]
    assert record["helped"] is any(level["kept"] for level in record["levels"])
    about = read_checkpoint(adapted / "checkpoints/best.ckpt")["m3depth"]
    assert about["adapted"] == record["levels"]
    assert not (adapted / "unfinished").exists()
    assert "Held-back frames" in (adapted / "report.html").read_text()
    kept = {level["level"] for level in record["levels"] if level["kept"]}
    old, new = (load_model(path) for path in (checkpoint, adapted / "checkpoints/best.ckpt"))
    assert (new.rig == old.rig) is not bool(kept & {"scale", "steps"})


def test_it_is_a_checkpoint_like_any_other(adapted: Path, organ: Path, tmp_path: Path):
    path = adapted / "checkpoints/best.ckpt"
    succeed("predict", f"checkpoint={path}", f"input={organ}/left", f"output={tmp_path}/p")
    with np.load(tmp_path / "p/0000.npz") as saved:
        assert np.isfinite(saved["depth_mm"]).all()
    options = ("levels.steps=null", "check=warn", f"output={tmp_path}/again", "overwrite=true")
    succeed("adapt", f"checkpoint={path}", f"input={organ}", *options)
    about = read_checkpoint(tmp_path / "again/checkpoints/best.ckpt")["m3depth"]
    levels = [level["level"] for level in about["adapted"]]
    assert levels == ["statistics", "scale", "steps", "statistics", "scale"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ([], "say what to adapt to"),
        (["input={organ}", "data=synthetic"], "one of both"),
        (["data=synthetic", "part=all"], "part=all: choose train, val, test"),
        (["data=synthetic", "first_s=20"], "first_s= is for a video"),
        (["input={organ}", "frames=0"], "frames=0: expected"),
        (["input={organ}", "levels.steps.lr=0"], "levels.steps.lr=0"),
        (["input={organ}/nothing"], "no such image, folder"),
    ],
)
def test_mistakes_get_one_line(
    options: list[str], line: str, checkpoint: Path, organ: Path, tmp_path: Path
):
    given = [one.format(organ=organ) for one in options]
    told = m3depth("adapt", f"checkpoint={checkpoint}", f"output={tmp_path}/out", *given)
    assert told.status in (1, 2)
    assert line in told.line
    assert not (tmp_path / "out/metrics.json").exists()


def test_swapped_views_are_refused_before_anything_is_adapted(
    checkpoint: Path, organ: Path, tmp_path: Path
):
    swapped = tmp_path / "swapped"
    swapped.mkdir()
    (swapped / "left").symlink_to(organ / "right")
    (swapped / "right").symlink_to(organ / "left")
    (swapped / "rig.yaml").write_text((organ / "rig.yaml").read_text())
    options = (f"input={swapped}", f"output={tmp_path}/out")
    told = m3depth("adapt", f"checkpoint={checkpoint}", *options)
    assert told.status == 1
    assert "swapped" in told.line


def test_a_training_does_not_go_on_from_it(adapted: Path, tmp_path: Path):
    path = adapted / "checkpoints/best.ckpt"
    told = m3depth("train", *TINY, f"checkpoint={path}", f"output={tmp_path}/run")
    assert told.status == 1
    assert "network.start=" in told.line


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another endoscope's pairs, and twice as wide as high where the training's are 1.5 times."""
    root = tmp_path_factory.mktemp("wide") / "pairs"
    pairs = SyntheticPairs("test_style", 12, (48, 96), endoscope=7, cache=False)
    write_pairs(root, [pairs[index] for index in range(12)])
    return root


@pytest.mark.parametrize("of", ["pairs", "images"])
def test_images_of_another_rig_and_shape_are_told(
    of: str, checkpoint: Path, wide: Path, tmp_path: Path
):
    source = wide if of == "pairs" else wide / "left"
    options = ("levels.scale=null", "levels.steps=null", "check=warn", f"output={tmp_path}/out")
    told = succeed("adapt", f"checkpoint={checkpoint}", f"input={source}", *options)
    said = " ".join(told.err.split())
    assert "2.00 times as wide as high, those of the training 1.50 times" in said
    assert ("depth is computed with this rig's f·b" in said) is (of == "pairs")


def test_of_its_own_rig_and_shape_nothing_is_told(checkpoint: Path, organ: Path, tmp_path: Path):
    options = ("levels.scale=null", "levels.steps=null", "check=warn", f"output={tmp_path}/out")
    told = succeed("adapt", f"checkpoint={checkpoint}", f"input={organ}", *options)
    assert "wide as high" not in told.err
    assert "f·b" not in told.err
