"""A run on a folder says what it held out, and its checkpoint what it was trained on."""

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import NETWORK, m3depth
from pair_files import write_rig
from PIL import Image

from m3depth.data.synthetic import SyntheticPairs

SIZE = (32, 48)
OPTIONS = (*NETWORK, "data.size=[32,48]", "data.batch_size=2", "data.workers=0", "trainer=cpu")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pairs")
    pairs = SyntheticPairs("val", 4, SIZE, cache=False)
    for view in ("left", "right", "depth"):
        (root / view).mkdir()
    for index in range(4):
        for view in ("left", "right"):
            pixels = (pairs[index][view] * 255).round().byte().permute(1, 2, 0).numpy()
            Image.fromarray(pixels).save(root / view / f"{index}.png")
        np.savez(root / "depth" / f"{index}.npz", depth=pairs[index]["depth_mm"][0].numpy())
    write_rig(root, {n: float(v) for n, v in pairs[0]["rig"]._asdict().items()}, SIZE)
    return root


def test_the_pairs_that_were_trained_on_are_told_by_train_and_evaluate(root: Path, tmp_path: Path):
    run = tmp_path / "run"
    data = ("data=folder", f"data.root={root}")
    given = (*OPTIONS, "trainer.max_epochs=1", "check=off", f"output={run}", "data.hold_out=0.25")
    told = m3depth("train", *data, *given)
    assert told.status == 0, told.err
    assert "3 pairs are trained on, 1 held out" in told.out + told.err
    assert "were trained on" not in told.out + told.err
    assert json.loads((run / "metrics.json").read_text())["frames_of"] == 1
    best, out = f"checkpoint={run / 'checkpoints/best.ckpt'}", tmp_path / "out"
    told = m3depth("evaluate", best, *data, f"output={out}")
    assert told.status == 0, told.err
    assert "3 of 4 test frames were trained on" in told.out + told.err
    record = json.loads((out / "metrics.json").read_text())
    assert record["frames_trained_on"] == 3
    assert record["warnings"][0].startswith("3 of 4 test frames were trained on")
    assert "3 of 4 test frames were trained on" in (out / "report.html").read_text()
