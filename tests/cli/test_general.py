"""The network that comes with the package: ``checkpoint=general``, and predict without any."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import m3depth, succeed
from pairs_folder import write_pairs
from scipy.stats import spearmanr

from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import UserError
from m3depth.networks.by_rig import ByRig
from m3depth.networks.finest import Finest
from m3depth.networks.general import FILE
from m3depth.networks.start import begin
from m3depth.networks.trained import load_model, read_checkpoint
from m3depth.types import Scale

SIZE, COUNT = (128, 160), 40


@pytest.fixture(scope="module")
def pairs() -> SyntheticPairs:
    return SyntheticPairs("test", COUNT, SIZE, cache=False)


@pytest.fixture(scope="module")
def folder(pairs: SyntheticPairs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("general") / "pairs"
    write_pairs(root, [pairs[index] for index in range(COUNT)])
    return root


def test_it_is_small_holds_weights_alone_and_no_path_of_a_machine():
    assert FILE.stat().st_size < 12e6
    saved = read_checkpoint(FILE)
    assert saved.keys() == {"state_dict", "m3depth"}
    assert {v.dtype for v in saved["state_dict"].values()} == {torch.float16, torch.int64}
    assert not any(word in str(saved["m3depth"]) for word in ("/tmp", "/home", "/work"))


def test_it_orders_unseen_scenes_by_distance(pairs: SyntheticPairs):
    model = load_model(FILE)
    network, ranks = Finest(model.network, flip=True), []
    for index in range(12):
        found = network(pairs[index]["left"][None])
        assert found.scale is Scale.UP_TO_SCALE_AND_SHIFT
        true = 1 / pairs[index]["depth_mm"].flatten()
        ranks.append(spearmanr(found.relative().values.flatten(), true).statistic)
    assert np.mean(ranks) > 0.75, ranks


def test_predict_without_a_checkpoint_takes_it_and_says_so(folder: Path, tmp_path: Path):
    told = succeed("predict", f"input={folder / 'left'}", f"output={tmp_path / 'out'}")
    assert "relative, without millimetres" in told.err
    assert "rendered scenes alone" in told.err
    record = json.loads((tmp_path / "out/predictions.json").read_text())
    assert record["checkpoint"].endswith("general.ckpt")
    assert record["frames"] == COUNT
    values = np.load(next((tmp_path / "out").glob("*.npz")))
    assert "depth_mm" not in values
    named = ("checkpoint=general", f"input={folder / 'left'}", f"output={tmp_path / 'again'}")
    other = succeed("predict", *named)
    assert "rendered scenes alone" in other.err


def test_a_file_of_another_name_is_not_it(folder: Path, tmp_path: Path):
    told = m3depth("predict", "checkpoint=other", f"input={folder}", f"output={tmp_path / 'o'}")
    assert told.line == "m3depth predict: checkpoint=other: no such file"


def test_a_few_pairs_give_it_millimetres(folder: Path, pairs: SyntheticPairs, tmp_path: Path):
    off = ("levels.statistics=null", "levels.steps=null", "check=warn")
    options = ("checkpoint=general", f"input={folder}", f"output={tmp_path / 'adapted'}")
    succeed("adapt", *options, *off)
    model = load_model(tmp_path / "adapted/checkpoints/best.ckpt")
    frames = SyntheticPairs("test", 8, SIZE, seed=1, cache=False)
    errors, constant = [], torch.stack([pairs[i]["depth_mm"] for i in range(COUNT)]).mean()
    for index in range(8):
        true = frames[index]["depth_mm"]
        found = Finest(model.network)(frames[index]["left"][None]).seen_by(frames[index]["rig"])
        errors.append([float((one - true).abs().mean()) for one in (found.depth_mm()[0], constant)])
    network, mean_depth = np.mean(errors, 0)
    assert network < 0.9 * mean_depth


def test_a_training_begins_from_it(caplog: pytest.LogCaptureFixture):
    inner = load_model(FILE).network.network
    with torch.no_grad():
        for weights in inner.parameters():
            weights.zero_()
    by_rig = ByRig(inner)
    begin(by_rig, {"_target_": "m3depth.networks.by_rig.ByRig", "start": "general"})
    assert all(weights.abs().sum() > 0 for weights in by_rig.network.encoder.parameters())
    assert "rendered scenes alone" in caplog.text
    with pytest.raises(UserError, match="no such file"):
        begin(by_rig, {"_target_": "m3depth.networks.by_rig.ByRig", "start": "other"})
