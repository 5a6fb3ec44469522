"""A pretrained model through the command line: trained, saved, loaded, used."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from command_line import SCENES, m3depth, succeed

from m3depth.networks.trained import load_model
from m3depth.systems.resuming import ResumeAsConfigured
from m3depth.types import Kind

OWN = f"--config-dir={Path(__file__).parent / 'conf'}"
ADAPTED = ("network=tiny_metric", "network/head=bins", "network/adapter=dora")
TRAINING = (OWN, *SCENES, "trainer=cpu", "debug=two_steps")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    succeed("train", *TRAINING, *ADAPTED, "network.encoder_rate=0.1", f"output={folder}")
    return folder


def test_stereo_trains_a_head_and_an_adapter_and_both_come_back(run: Path):
    saved = torch.load(run / "checkpoints/best.ckpt", weights_only=True)["state_dict"]
    learned = [one for name, one in saved.items() if "lora_B" in name]
    assert len(learned) == 8
    assert all(one.abs().max() > 0 for one in learned)
    network = load_model(run / "checkpoints/best.ckpt").network
    assert not any("lora" in name for name in network.state_dict())  # merged
    assert network(torch.rand(1, 3, 32, 48))[0].depth_mm().shape == (1, 1, 32, 48)


def test_the_encoder_was_trained_at_a_rate_of_its_own(run: Path):
    saved = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    head, encoder = saved["optimizer_states"][0]["param_groups"]
    assert encoder["initial_lr"] == pytest.approx(0.1 * head["initial_lr"])


def test_its_checkpoint_predicts(run: Path, tmp_path: Path):
    cv2.imwrite(str(tmp_path / "picture.png"), np.full((40, 60, 3), 128, np.uint8))
    best = f"checkpoint={run / 'checkpoints/best.ckpt'}"
    succeed("predict", best, f"input={tmp_path / 'picture.png'}", f"output={tmp_path / 'depth'}")
    with np.load(tmp_path / "depth/picture.npz") as prediction:
        assert prediction["depth_mm"].shape == (40, 60)
        assert "confidence" not in prediction


def test_a_relative_model_cannot_rebuild_views_in_one_line(tmp_path: Path):
    relative = ("network=tiny_metric", "network.kind=inverse_depth")
    told = m3depth(
        *("train", *TRAINING, *relative, "network.scale=up_to_scale_and_shift"),
        *("protocol=scale_shift", f"output={tmp_path / 'run'}"),
    )
    assert told.status != 0
    assert "up to scale and shift" in told.line


def test_a_resumed_run_keeps_the_encoder_s_share_of_a_new_rate(run: Path):
    saved = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    resume = ResumeAsConfigured({"lr": 0.02}, None)
    resume.on_load_checkpoint(trainer, pl.LightningModule(), saved)
    head, encoder = saved["optimizer_states"][0]["param_groups"]
    assert (head["initial_lr"], encoder["initial_lr"]) == pytest.approx((0.02, 0.002))
    assert saved["lr_schedulers"][0]["base_lrs"] == pytest.approx([0.02, 0.002])


def test_labels_train_a_head_of_a_relative_model(tmp_path: Path):
    labels = ("system=supervised", "objective=metric", "network/adapter=frozen")
    succeed("train", *TRAINING, *ADAPTED[:2], *labels, f"output={tmp_path / 'run'}")
    assert load_model(tmp_path / "run/checkpoints/best.ckpt").network.kind is Kind.DEPTH
