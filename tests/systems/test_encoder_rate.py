"""Parts of a network that learn at a rate of their own."""

from functools import partial

import pytest
import torch

from m3depth.errors import ConfigError
from m3depth.networks.heads.bins import MetricBins
from m3depth.networks.metric import Metric
from m3depth.networks.monodepth import Monodepth
from m3depth.systems.base import System
from m3depth.systems.schedules import cosine

TINY = {"encoder": "test_resnet", "widths": [16, 16, 8, 8, 8]}


class OfOne(System):
    """A system with one network, and a run of ten steps."""

    needs = frozenset()
    steps = 10

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__(partial(torch.optim.Adam, lr=1e-2), partial(cosine, warmup=0.0))
        self.network = network


def rates(system: OfOne) -> dict[int, float]:
    """Of each parameter, as the run begins."""
    groups = system.configure_optimizers()["optimizer"].param_groups
    return {id(one): group["initial_lr"] for group in groups for one in group["params"]}


def test_the_encoder_learns_at_a_share_of_the_rate():
    system = OfOne(Monodepth(**TINY, encoder_rate=0.1))
    found = rates(system)
    assert found.keys() == set(map(id, system.parameters()))
    assert {found[id(one)] for one in system.network.encoder.parameters()} == {1e-3}
    assert {found[id(one)] for one in system.network.stages.parameters()} == {1e-2}
    assert set(rates(OfOne(Monodepth(**TINY))).values()) == {1e-2}


def test_what_the_outer_network_says_of_its_encoder_holds():
    inner = Monodepth(**TINY, encoder_rate=0.1)
    bins = partial(MetricBins, bins=8, embedding=8)
    system = OfOne(Metric(inner, bins, encoder_rate=0.5))
    found = rates(system)
    assert found.keys() == set(map(id, system.parameters()))
    assert {found[id(one)] for one in inner.encoder.parameters()} == {5e-3}


@pytest.mark.parametrize("rate", [-0.1, 1.5])
def test_a_rate_that_is_no_share_is_one_line(rate: float):
    with pytest.raises(ConfigError, match=r"network\.encoder_rate="):
        Monodepth(**TINY, encoder_rate=rate)
