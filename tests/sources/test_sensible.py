"""What a network's depth must not be: no number, or the same everywhere without a word."""

import logging

import pytest
import torch
from torch import Tensor, nn

from m3depth.networks.finest import Finest
from m3depth.sources.network import NetworkSource
from m3depth.sources.source import NoDepthError
from m3depth.types import DepthMap, Kind, StereoBatch

SLOPE = torch.linspace(0.1, 0.3, 48).expand(32, 48)


class Gives(nn.Module):
    """The same map of every image."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.values = nn.Parameter(values)

    def forward(self, image: Tensor) -> tuple[DepthMap]:
        return (DepthMap(self.values.expand(len(image), 1, 32, 48), Kind.FRACTION),)


def source_of(values: Tensor) -> NetworkSource:
    return NetworkSource(Finest(Gives(values)), (32, 48))


def frame(key: str) -> StereoBatch:
    return {"key": key, "left": torch.rand(3, 32, 48)}


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
def test_one_number_that_is_none_is_no_depth(wrong: float):
    values = SLOPE.clone()
    values[3, 5] = wrong
    with pytest.raises(NoDepthError, match=r"^a: the network's disparity_fraction is not finite"):
        source_of(values)([frame("a")])


@pytest.mark.parametrize("level", [0.0, 0.2, 1e6])
def test_the_first_frame_without_relief_is_named(level: float, caplog: pytest.LogCaptureFixture):
    source = source_of(torch.full((32, 48), level))
    with caplog.at_level(logging.WARNING):
        found = source([frame("a"), frame("b")]) + source([frame("c")])
    assert [one.values.unique().tolist() for one in found] == [[pytest.approx(level)]] * 3
    told = [record.message for record in caplog.records if "same depth" in record.message]
    assert len(told) == 1
    assert told[0].startswith("a: the same depth everywhere")


def test_little_relief_is_relief(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        source_of(0.2 + 1e-3 * SLOPE)([frame("a")])
    assert "same depth" not in caplog.text
