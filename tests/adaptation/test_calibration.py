"""How surely a network knows an image's scale is found on pairs, without a label."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from torch import nn
from torch.utils.data import Dataset

from m3depth.adaptation.calibration import calibrated, tell_scale_deviation
from m3depth.adaptation.frames import Samples
from m3depth.adaptation.model import Adaptable
from m3depth.data.synthetic import SyntheticPairs
from m3depth.io.torch_files import read_torch_file, write_torch_file
from m3depth.networks.scale_deviation import ScaleDeviation
from m3depth.networks.trained import load_model
from m3depth.sources.checkpoint import network_source
from m3depth.types import DepthMap, Kind, StereoBatch
from m3depth.types.disparity import disparity_from_depth

SIZE = (96, 128)
NETWORK = {
    "_target_": "m3depth.networks.monodepth.Monodepth",
    "encoder": "test_resnet",
    "widths": [16, 16, 8, 8, 8],
}
COUNT = 12
MIDDLE = torch.tensor([-2.8])  # about as near as the pairs are


@pytest.fixture(scope="module")
def pairs() -> list[StereoBatch]:
    made = SyntheticPairs("val", COUNT, SIZE, cache=False)
    return [made[index] for index in range(COUNT)]


class Biased(nn.Module):
    """The true disparity of the frame that is asked next, times the image's mean to a power."""

    def __init__(self, pairs: list[StereoBatch], power: float) -> None:
        super().__init__()
        self.layer = nn.BatchNorm2d(3)
        every = torch.stack([one["left"] for one in pairs])
        variance, mean = torch.var_mean(every, (0, 2, 3))
        self.layer.running_mean.copy_(mean)
        self.layer.running_var.copy_(variance)
        self.usual, self.power, self.asked = float(every.mean()), power, 0
        rigs = [type(one["rig"])(*(v[None] for v in one["rig"])) for one in pairs]
        known = zip(pairs, rigs, strict=True)
        self.maps = [disparity_from_depth(one["depth_mm"][None], rig) for one, rig in known]

    def forward(self, image: torch.Tensor) -> tuple[DepthMap, ...]:
        self.layer(image)
        true = self.maps[self.asked % len(self.maps)] / SIZE[1]
        self.asked += 1
        return (DepthMap(true * (image.mean() / self.usual) ** self.power, Kind.FRACTION),)


def test_a_network_that_light_leads_astray_is_less_sure_of_strange_images(pairs):
    found = calibrated(Biased(pairs, 1.0), pairs)
    usual, strange = (float(found(torch.tensor([s]), MIDDLE)) for s in (0.0, 1.0))
    assert strange > 1.5 * usual
    assert float(found(torch.tensor([1.0]), MIDDLE + 0.6)) > 1.5 * strange  # and unusually near


def test_one_that_nothing_leads_astray_is_sure(pairs):
    found = calibrated(Biased(pairs, 0.0), pairs)
    assert float(found(torch.tensor([1.0]), MIDDLE)) < 0.1


def test_usual_nearness_is_what_the_matcher_says_of_the_pairs(pairs):
    """Whatever the network makes of them."""
    own, far = (calibrated(Biased(pairs, power), pairs) for power in (0.0, 1.0))
    true = [
        float((one["rig"].fx * one["rig"].baseline_mm / one["depth_mm"]).median()) for one in pairs
    ]
    expected = np.log(np.array(true) / SIZE[1])
    for found in (own, far):
        assert found.middle == pytest.approx(expected.mean(), abs=0.03)
        assert found.spread == pytest.approx(expected.std(), rel=0.2)


def test_without_pairs_or_statistics_there_is_nothing_to_find_it_by(pairs):
    single = [{k: v for k, v in one.items() if k != "right"} for one in pairs]
    assert calibrated(Biased(pairs, 0.0), single) is None
    without = Biased(pairs, 0.0)
    without.layer = nn.Identity()
    assert calibrated(without, pairs) is None


def checkpoint(path: Path) -> Path:
    torch.manual_seed(0)
    network = instantiate(NETWORK)
    rig = {"fx": 100.0, "fy": 100.0, "cx": 64.0, "cy": 48.0, "cx_right": 64.0, "baseline_mm": 5.0}
    about = {"config": {"network": NETWORK}, "size": list(SIZE), "rig": rig}
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    write_torch_file(path, {"state_dict": state, "m3depth": about, "global_step": 7})
    return path


def test_it_goes_into_the_checkpoint_and_into_every_depth_map(tmp_path: Path, pairs):
    path = checkpoint(tmp_path / "best.ckpt")
    before = read_torch_file(path, "before")
    old = network_source(path, "cpu")(pairs[:2])
    assert [one.scale_deviation for one in old] == [None, None]
    tell_scale_deviation(path, Samples(pairs))
    after = read_torch_file(path, "after")
    assert set(after.pop("m3depth")) - set(before.pop("m3depth")) == {"scale_deviation"}
    assert after["global_step"] == 7
    assert all(torch.equal(after["state_dict"][k], v) for k, v in before["state_dict"].items())
    told = load_model(path).deviation
    assert told.floor > 0
    new = network_source(path, "cpu")(pairs[:2])
    assert all(float(one.scale_deviation) >= told.floor * 0.999 for one in new)
    assert torch.equal(new[0].values, old[0].values)


def test_where_it_cannot_be_found_the_checkpoint_stays_and_a_line_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    path = checkpoint(tmp_path / "best.ckpt")
    before = path.read_bytes()
    none: Dataset[StereoBatch] = Samples([])
    tell_scale_deviation(path, none)
    assert path.read_bytes() == before
    assert "no deviation of a frame's scale will be told" in caplog.text
    assert load_model(path).deviation is None


def test_an_adapted_checkpoint_says_its_own_or_what_it_said(tmp_path: Path, pairs):
    path = checkpoint(tmp_path / "best.ckpt")
    tell_scale_deviation(path, Samples(pairs))
    adaptable, own = Adaptable.read(path), ScaleDeviation(0.03, 0.2, 0.1)
    adaptable.write(tmp_path / "kept.ckpt", adaptable.model, None, [], set())
    assert load_model(tmp_path / "kept.ckpt").deviation == load_model(path).deviation
    adaptable.write(tmp_path / "own.ckpt", adaptable.model, None, [], set(), own)
    assert load_model(tmp_path / "own.ckpt").deviation == own
