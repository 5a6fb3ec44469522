"""What is frozen stays so while Lightning trains, which keeps the modes that it finds."""

import pytest
import pytorch_lightning as pl
import torch
from hydra import compose, initialize_config_dir

from m3depth.cli.configuration import configuration
from m3depth.data.module import StereoData
from m3depth.data.synthetic import SyntheticPairs
from m3depth.networks.strangeness import batch_statistics
from m3depth.systems.build import build_system

SMALL = ("network.encoder=test_resnet", "network.pretrained=false", "network.widths=[8,8,8,8,8]")
WITHIN = tuple(one.replace("network.", "network.network.", 1) for one in SMALL)


@pytest.mark.parametrize(
    ("options", "still"),
    [
        ((*SMALL, "network.frozen_statistics=true"), True),
        (SMALL, False),
        (("network=by_rig", *WITHIN, "network.frozen=true"), True),
        (("network=by_rig", *WITHIN), False),
    ],
)
def test_statistics_stand_still_where_they_are_frozen(options: tuple[str, ...], still: bool):
    given = ["experiment=demo", "data.size=[64,96]", "output=x", *options]
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        system = build_system(compose("train", given))
    layers = batch_statistics(system)
    before = [layer.running_mean.clone() for layer in layers]
    pairs = SyntheticPairs("train", 2, (64, 96), cache=False)
    data = StereoData(pairs, pairs, pairs, (64, 96), 2)
    data.needs = system.needs
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    pl.Trainer(accelerator="cpu", fast_dev_run=1, **quiet).fit(system, data)
    same = [torch.equal(a, b.running_mean) for a, b in zip(before, layers, strict=True)]
    assert layers
    assert all(same) if still else not any(same)
