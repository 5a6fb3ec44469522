"""Training learns, says which frame breaks it, and outlives one that cannot be read."""

import csv
from pathlib import Path

import pytest
import torch
from command_line import NETWORK, TINY, m3depth, succeed

from m3depth.data.synthetic import SyntheticPairs
from m3depth.evaluation.metrics import abs_rel
from m3depth.networks.trained import load_model
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity


def damaged(**settings: int) -> list[str]:
    """Train on `run_fakes.Damaged` in place of the built-in pairs."""
    target = ("~data.train.split", "~data.train.size", "data.train._target_=run_fakes.Damaged")
    return [*target, *(f"++data.train.{name}={value}" for name, value in settings.items())]


def error(checkpoint: Path, pairs: SyntheticPairs) -> float:
    sample, model = pairs[0], load_model(checkpoint)
    with torch.inference_mode():
        disparity = model.network(sample["left"][None])[0]
    rig = StereoRig(*(value[None] for value in sample["rig"]))
    depth = depth_from_disparity(disparity.values.shape[-1] * disparity.values, rig)
    return float(abs_rel(depth[0], sample["depth_mm"]))


def test_overfitting_one_pair_reaches_a_small_error(tmp_path: Path):
    """Without a label: the pair's own depth is used here, after training, and nowhere else."""
    size = (48, 64)
    arguments = (
        *("train", *NETWORK, "debug=overfit", "trainer=cpu", f"output={tmp_path}"),
        *("data.train.count=1", "data.val.count=1", "data.test.count=1", "data.batch_size=1"),
        *("data.val.split=train", "data.test.split=train", f"data.size=[{size[0]},{size[1]}]"),
        *("data.typical_disparity=0.1", "optimizer.lr=3e-3", "+trainer.check_val_every_n_epoch=20"),
    )
    pairs = SyntheticPairs("train", 1, size)
    sample = pairs[0]
    start = torch.full_like(sample["depth_mm"], 0.1 * size[1])
    before = float(abs_rel(depth_from_disparity(start, sample["rig"]), sample["depth_mm"]))
    succeed(*arguments, "trainer.max_epochs=80")
    assert error(tmp_path / "checkpoints/last.ckpt", pairs) < min(0.12, before / 3)


def test_a_frame_that_breaks_the_loss_is_named_with_term_and_step(tmp_path: Path):
    bad = damaged(count=4, nan=2)
    told = m3depth("train", *TINY, f"output={tmp_path}", "check=off", *bad)
    assert told.status == 1
    assert "synthetic/train/000002" in told.line
    assert "objective.terms.photometric" in told.line
    assert "train, step" in told.line


def test_an_unreadable_frame_is_skipped_counted_and_reported(tmp_path: Path):
    bad = damaged(count=5, unreadable=3)
    told = succeed("train", *TINY, "trainer.max_epochs=2", f"output={tmp_path}", *bad)
    assert told.err.count("WARNING skipped: left/000003.png: truncated") == 1
    assert "1 unreadable frames were skipped" in told.err
    with (tmp_path / "metrics.csv").open(newline="") as file:
        assert len([row for row in csv.DictReader(file) if row["train/loss"]]) == 4


def test_a_set_without_a_readable_frame_ends_in_one_line(tmp_path: Path):
    bad = damaged(count=1, unreadable=0)
    told = m3depth("train", *TINY, f"output={tmp_path}", "check=off", *bad)
    assert told.status == 1
    assert "not one of 1 frames can be read; the first: left/000000.png" in told.line


def test_the_best_checkpoint_is_chosen_without_a_depth_label(tmp_path: Path):
    """The photometric loss decides: the weights of best.ckpt are those of its lowest epoch."""
    succeed("train", *TINY, "trainer.max_epochs=3", "optimizer.lr=0.003", f"output={tmp_path}")
    with (tmp_path / "metrics.csv").open(newline="") as file:
        values = [float(r["val/photometric"]) for r in csv.DictReader(file) if r["val/photometric"]]
    best = torch.load(tmp_path / "checkpoints/best.ckpt", weights_only=True)
    assert best["epoch"] == values.index(min(values))


@pytest.mark.parametrize("precision", ["bf16-mixed"])
def test_mixed_precision_trains(tmp_path: Path, precision: str):
    two = ("debug=two_steps", f"trainer.precision={precision}")
    succeed("train", *TINY, *two, f"output={tmp_path}")
    with (tmp_path / "metrics.csv").open(newline="") as file:
        assert all(float(row["train/icp"]) > 0 for row in csv.DictReader(file))
