"""What a run would only find out on its way is one line before it, and nothing is written."""

import json
from pathlib import Path

import pytest
from command_line import SCENES, TINY, m3depth, succeed
from pair_files import write_pairs

WRONG = {
    "trainer.precision=bf16-true": "trainer.precision=bf16-true: the losses need float32",
    "trainer.precision=64-true": "32-true, 16-mixed, bf16-mixed",
    "trainer.devices=9999": "trainer.devices=9999: this machine has",
    "trainer.max_epochs=0": "trainer.max_epochs=0: expected a whole number from 1 on",
    "trainer.gradient_clip_val=-1": "trainer.gradient_clip_val=-1: expected a number from 0 on",
    "network.widths=[16]": "one for each of the decoder's 5 stages",
    "network.widths=[0,16,8,8,8]": "network.widths=0: expected a whole number from 1 on",
    "seed=4294967296": "from 0 to 4294967295",
    "name=null": "name=null: expected a name, of the folder below outputs/",
    "name=a/../../b": "name=a/../../b: expected a name",
    "overwrite=no": "overwrite=no: expected true or false",
    "data=[synthetic]": "train takes one data",
    "callbacks.checkpoint.dirpath=/tmp/others": "checkpoints would go to /tmp/others",
    "data.size=[7,9]": "each at least 16",
    "data.size=null": "data.size=null: give [height, width]",
    "data.size=[200000,300000]": "of memory at least, and",
    "data.batch_size=100000000": "data.batch_size=100000000 of data.size=[32, 48]: would need",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_run_that_cannot_be_is_told_of_first(wrong: str, tmp_path: Path):
    told = m3depth("train", *TINY, f"output={tmp_path}/run", wrong)
    assert told.status == 2
    assert WRONG[wrong] in told.line
    assert not list(tmp_path.rglob("*.yaml"))


def test_relative_depth_under_a_protocol_of_millimetres(tmp_path: Path):
    asked = ("system=supervised", "objective=relative", "network=relative", "protocol=unscaled")
    below = ("network.network.encoder=test_resnet", "network.network.pretrained=false")
    told = m3depth("train", *SCENES, "trainer=cpu", *asked, *below, f"output={tmp_path}/run")
    assert told.status == 2
    assert "depth is relative, and protocol unscaled scores millimetres as predicted" in told.line
    assert not list(tmp_path.rglob("*.yaml"))


def test_a_protocol_that_would_score_no_test_frame(tmp_path: Path):
    asked = ("protocol.unscaled.max_mm=3", f"output={tmp_path}/run")
    told = m3depth("train", *TINY, *asked)
    assert told.status == 2
    assert "protocol unscaled counts 0 to 3 mm, and test frames are " in told.line
    assert "give protocol.unscaled.max_mm=" in told.line
    assert not list(tmp_path.rglob("*.yaml"))


def test_weights_that_are_not_here_are_told_before_any_scene_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("M3DEPTH_CACHE", str(tmp_path / "cache"))
    asked = ("network=depth_anything_v2_metric_small", "data.train.count=100000")
    told = m3depth("train", *SCENES, "trainer=cpu", *asked, f"output={tmp_path}/run")
    assert told.status == 1
    assert "resolve/main/model.safetensors" in told.line
    assert "rendering" not in told.err
    assert not (tmp_path / "cache").exists()


def test_a_training_that_would_keep_nothing(tmp_path: Path):
    without = ("callbacks.checkpoint=null", "callbacks.last=null")
    told = m3depth("train", *TINY, f"output={tmp_path}/run", *without)
    assert told.status == 2
    assert "none of them writes checkpoints" in told.line


def test_parts_that_are_left_out(tmp_path: Path):
    without = ("logger=null", "callbacks.early_stopping=null", "callbacks.progress=null")
    told = succeed("train", *TINY, "debug=two_steps", f"output={tmp_path}/run", *without)
    assert "epoch 1" not in told.err + told.out
    assert (tmp_path / "run/checkpoints/best.ckpt").is_file()
    assert not (tmp_path / "run/metrics.csv").exists()


def test_one_small_pair_is_too_little_for_batch_normalisation(tmp_path: Path):
    root = write_pairs(tmp_path / "pairs", depth=False)
    for side in ("left", "right"):
        for name in ("001", "002"):
            (root / side / f"{name}.png").unlink()
    files = ("data=folder", f"data.root={root}", f"output={tmp_path}/run", "check=warn")
    told = m3depth("train", *TINY[:3], "trainer=cpu", *files, "data.size=[32,32]")
    assert told.status == 2
    assert "too little for the network" in told.err.splitlines()[-1]


def test_wandb_without_a_key_names_the_ways_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", None)
    told = m3depth("train", *TINY, f"output={tmp_path}/run", "logger=wandb")
    assert told.status == 2
    line = told.err.splitlines()[-1]
    assert "wandb login" in line
    assert "logger.wandb.offline=true" in line
    assert "Traceback" not in told.err


def test_an_output_where_nothing_can_be_made(tmp_path: Path):
    told = m3depth("train", *TINY, "output=/proc/foo")
    assert told.status == 1
    assert "/proc/foo" in told.line


@pytest.mark.parametrize(
    ("verb", "wrong"),
    [
        ("predict", "batch_size=100000000"),
        ("predict", "tiles=99999"),
        ("predict", "tiles=2.5"),
        ("export", "batch_size=100000000"),
        ("export", "data.size=[200000,300000]"),
        ("evaluate", "data.size=[200000,300000]"),
    ],
)
def test_what_cannot_fit_is_told_instead_of_killed(
    checkpoint: Path, pairs: Path, tmp_path: Path, verb: str, wrong: str
):
    needed = {"predict": [f"input={pairs}/left"]}
    data = needed.get(verb, ["data=folder", f"data.root={pairs}"])
    told = m3depth(verb, f"checkpoint={checkpoint}", f"output={tmp_path}/o", *data, wrong)
    assert told.status == 2
    assert wrong.split("=")[0] in told.line
    assert "would need" in told.line or "expected a whole number" in told.line


def test_a_training_of_no_frame(tmp_path: Path):
    told = m3depth("train", *TINY, f"output={tmp_path}/run", "+trainer.limit_train_batches=0")
    assert told.status == 2
    assert "no frame was trained on" in told.line


def test_a_run_that_ends_before_its_first_validation(tmp_path: Path):
    told = succeed("train", *TINY, f"output={tmp_path}/run", "+trainer.max_steps=1")
    assert "report: " in told.err
    assert (tmp_path / "run/checkpoints/last.ckpt").is_file()


def test_a_best_checkpoint_of_another_name_is_the_one_that_is_scored(tmp_path: Path):
    named = "callbacks.checkpoint.filename=by_loss"
    succeed("train", *TINY, "debug=two_steps", f"output={tmp_path}/run", named)
    record = json.loads((tmp_path / "run/metrics.json").read_text())
    assert record["checkpoint"].endswith("checkpoints/by_loss.ckpt")


def test_a_users_checkpoint_of_that_name_is_not_replaced(tmp_path: Path):
    mine = tmp_path / "run/checkpoints/mine.ckpt"
    mine.parent.mkdir(parents=True)
    mine.write_text("weights")
    named = "callbacks.checkpoint.filename=mine"
    told = m3depth("train", *TINY, "debug=two_steps", f"output={tmp_path}/run", named)
    assert told.status == 1
    assert "mine.ckpt: is there, and no record says" in told.line
    assert mine.read_text() == "weights"
