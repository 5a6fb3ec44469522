"""Tiles on the command line: they change the depth, are told, and an export never mixes them."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import m3depth, succeed

SCENES = ("data.test.count=2", "data.train.count=4", "data.val.count=2", "data.size=[64,96]")


def depths(folder: Path) -> np.ndarray:
    files = sorted(folder.glob("*.npz"))
    assert files
    return np.stack([np.load(file)["depth_mm"] for file in files])


def test_predict(checkpoint: Path, pairs: Path, tmp_path: Path):
    arguments = ("predict", f"checkpoint={checkpoint}", f"input={pairs}/left")
    for name, tiles in {"usual": (), "one": ("tiles=1",), "two": ("tiles=2",)}.items():
        succeed(*arguments, f"output={tmp_path}/{name}", f"rig={pairs}/rig.yaml", *tiles)
    usual, one, two = (depths(tmp_path / name) for name in ("usual", "one", "two"))
    np.testing.assert_array_equal(one, usual)
    assert two.shape == usual.shape
    assert np.abs(two - usual).max() > 0
    np.testing.assert_allclose(two, usual, rtol=0.05)  # they change what is fine


def exported(checkpoint: Path, output: Path, *more: str) -> tuple[str, ...]:
    return ("export", f"checkpoint={checkpoint}", "writer=npz", f"output={output}", *SCENES, *more)


def test_export(checkpoint: Path, tmp_path: Path):
    succeed(*exported(checkpoint, tmp_path / "one"))
    succeed(*exported(checkpoint, tmp_path / "two", "tiles=2", "batch_size=2"))
    metas = [json.loads((tmp_path / n / "depth_meta.json").read_text()) for n in ("one", "two")]
    assert [meta["model"] for meta in metas] == ["m3depth best.ckpt", "m3depth best.ckpt tiles=2"]


def test_an_export_goes_on_with_the_tiles_that_it_began_with(checkpoint: Path, tmp_path: Path):
    succeed(*exported(checkpoint, tmp_path, "tiles=2", "shard=0/2"))
    told = m3depth(*exported(checkpoint, tmp_path))
    assert told.status == 2
    assert "was exported with another model; set output=DIR to an empty folder" in told.line
    succeed(*exported(checkpoint, tmp_path, "tiles=2"))


@pytest.mark.parametrize("tiles", ["0", "1.5", "x"])
@pytest.mark.parametrize("verb", ["predict", "export"])
def test_a_number_of_tiles_that_there_is_not(
    checkpoint: Path, pairs: Path, tmp_path: Path, verb: str, tiles: str
):
    what = {"predict": (f"input={pairs}/left",), "export": SCENES}[verb]
    output = tmp_path / "out"
    told = m3depth(verb, f"checkpoint={checkpoint}", f"output={output}", f"tiles={tiles}", *what)
    assert told.status == 2
    assert f"tiles={tiles}: expected a whole number from 1" in told.line
    assert not [*output.rglob("*")]


def test_tiles_say_how_often_the_network_looks(checkpoint: Path, pairs: Path, tmp_path: Path):
    given = ("predict", f"checkpoint={checkpoint}", f"input={pairs}/left/000.png")
    told = succeed(*given, "tiles=2", "flip=true", f"output={tmp_path}/two")
    assert "tiles=2: 10 passes of the network for each image" in told.err
    told = m3depth(*given, "tiles=99", f"output={tmp_path}/many")  # fits into memory, for hours
    assert told.status == 2
    assert "tiles=99: would need 9,802 passes of the network for each image" in told.line
    assert not (tmp_path / "many").exists()
