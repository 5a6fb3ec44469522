"""Beginning from the weights of another training."""

import logging
from pathlib import Path

import pytest
import torch
from torch import nn

from m3depth.errors import ConfigError, UserError
from m3depth.networks.configuration import starts, without_start
from m3depth.networks.start import begin


class Two(nn.Module):
    """A part that a checkpoint may fit, and one that it does not."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(2, 3), nn.Linear(3, width)


class Around(nn.Module):
    """Another network around it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Two(1)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Two]:
    network = Two(1)
    state = {f"network.{name}": value for name, value in network.state_dict().items()}
    state |= {"pose.weight": torch.zeros(1)}
    about = {"config": {"network": {}}, "size": [2, 2], "rig": {}, "trained_on": ["a", "b"]}
    torch.save({"m3depth": about, "state_dict": state}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt", network


def test_all_of_it(saved: tuple[Path, Two]):
    path, network = saved
    fresh = Two(1)
    assert begin(fresh, {"start": str(path)}) == {"a", "b"}
    assert all(map(torch.equal, fresh.state_dict().values(), network.state_dict().values()))


def test_what_has_another_shape_stays_and_is_told(
    saved: tuple[Path, Two], caplog: pytest.LogCaptureFixture
):
    path, network = saved
    wider = Two(5)
    head = wider.head.weight.clone()
    with caplog.at_level(logging.INFO):
        begin(wider, {"start": str(path)})
    assert torch.equal(wider.body.weight, network.body.weight)
    assert torch.equal(wider.head.weight, head)
    assert "2 of 4 tensors; new: head.bias, head.weight" in caplog.text


def test_a_module_inside(saved: tuple[Path, Two]):
    path, network = saved
    around = Around()
    begin(around, {"start": None, "inner": {"_target_": "Two", "start": str(path)}})
    assert torch.equal(around.inner.body.weight, network.body.weight)


def test_nothing_to_begin_from():
    network = Two(1)
    before = network.body.weight.clone()
    assert begin(network, {"_target_": "Two", "start": None}) == frozenset()
    assert torch.equal(network.body.weight, before)


def test_refused(saved: tuple[Path, Two], tmp_path: Path):
    path, _ = saved
    with pytest.raises(ConfigError, match=r"not one of its 4 tensors fits"):
        begin(nn.Linear(7, 7), {"start": str(path)})
    with pytest.raises(ConfigError, match=r"network.other.start: Around has no module other"):
        begin(Around(), {"other": {"start": str(path)}})
    with pytest.raises(UserError, match=r"nowhere\.ckpt"):
        begin(Two(1), {"start": str(tmp_path / "nowhere.ckpt")})


def test_constructors_do_not_see_it():
    options = {"_target_": "A", "start": "x", "inner": {"start": "y", "width": 3}}
    assert without_start(options) == {"_target_": "A", "inner": {"width": 3}}
    assert [at for at, _ in starts(options)] == ["", "inner"]


class OwnStart(nn.Module):
    """Its constructor has a `start` of its own."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.value = start


def test_an_option_of_the_constructor_of_that_name_is_left_to_it():
    options = {"_target_": f"{OwnStart.__module__}.OwnStart", "start": 0.5}
    assert without_start(options) == options
    assert list(starts(options)) == []
