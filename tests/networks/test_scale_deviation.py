"""What is strange to a network, and how unsure of the scale that makes it."""

import numpy as np
import pytest
import torch
from torch import nn

from m3depth.networks.finest import Finest
from m3depth.networks.scale_deviation import ScaleDeviation, fitted
from m3depth.networks.strangeness import strangeness
from m3depth.networks.tiled import Tiled
from m3depth.types import DepthMap, Kind


class Normalised(nn.Module):
    """One layer with batch statistics: of mean 0.5 and variance 0.04 in each channel."""

    def __init__(self, statistics: bool = True) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))
        self.layer = nn.BatchNorm2d(3) if statistics else nn.InstanceNorm2d(3)
        if statistics:
            self.layer.running_mean.fill_(0.5)
            self.layer.running_var.fill_(0.04)

    def forward(self, image: torch.Tensor) -> tuple[DepthMap, ...]:
        seen = self.layer(image).mean(1, keepdim=True)
        return (DepthMap(0.1 + self.one * torch.sigmoid(seen), Kind.FRACTION),)


def images(mean: float = 0.5, deviation: float = 0.2, count: int = 1) -> torch.Tensor:
    """Of exactly this mean and standard deviation in each channel."""
    torch.manual_seed(0)
    noise = torch.rand(count, 3, 12, 16, dtype=torch.float64)
    spread, middle = torch.std_mean(noise, (2, 3), keepdim=True)
    return (mean + deviation * (noise - middle) / spread).float()


@pytest.mark.parametrize(
    ("mean", "deviation", "expected"),
    [
        (0.5, 0.2, 0.0),
        (0.7, 0.2, 0.5),  # a whole standard deviation aside: (0.2 / 0.2)² / 2
        (0.5, 0.1, (0.25 - 1 - np.log(0.25)) / 2),
    ],
)
def test_strangeness_is_the_divergence_of_two_normal_distributions(mean, deviation, expected):
    network = Normalised().eval()
    with strangeness(network) as strange:
        network(images(mean, deviation))
    assert strange().tolist() == pytest.approx([expected], abs=2e-3)


def test_each_image_has_its_own_and_nothing_stays_behind():
    network = Normalised().eval()
    together = torch.cat([images(0.5), images(0.6), images(0.3)])
    with strangeness(network) as strange:
        network(together)
    alone = []
    for image in together:
        with strangeness(network) as one:
            network(image[None])
        alone.append(float(one()))
    assert strange().tolist() == pytest.approx(alone, rel=1e-5)
    assert not network.layer._forward_hooks


def test_without_batch_statistics_nothing_is_strange():
    network = Normalised(statistics=False).eval()
    with strangeness(network) as strange:
        network(images())
    assert strange() is None
    assert (
        Finest(network, deviation=ScaleDeviation(0.1, 0.2, 0.05))(images()).scale_deviation is None
    )


@pytest.mark.parametrize("flip", [False, True])
def test_a_network_tells_it_of_each_image(flip: bool):
    network, told = Normalised(), ScaleDeviation(0.1, 0.2, 0.05)
    found = Finest(network, flip, deviation=told)(torch.cat([images(0.5), images(0.7)]))
    expected = [0.1, np.sqrt(0.1**2 + 0.2**2 * 0.45)]
    assert found.scale_deviation.tolist() == pytest.approx(expected, abs=2e-3)
    assert float(found.one(1).on("cpu").resized((6, 8)).scale_deviation) == pytest.approx(
        expected[1], abs=2e-3
    )
    assert Finest(network, flip)(images()).scale_deviation is None


def test_tiles_change_nothing_of_it():
    tiled = Tiled(Finest(Normalised(), deviation=ScaleDeviation(0.1, 0.2, 0.05)), (12, 16), 2)
    height, width = tiled.canvas
    whole = images(0.7).repeat(1, 1, 2, 2)[..., :height, :width]
    small = nn.functional.interpolate(
        whole, (12, 16), mode="bilinear", align_corners=False, antialias=True
    )
    expected = tiled.network(small).scale_deviation
    assert torch.equal(tiled(whole).scale_deviation, expected)


def test_the_slope_is_found_again():
    drawn = np.random.default_rng(0)
    strange = drawn.exponential(1.0, 20_000)
    deviation = np.sqrt(0.1**2 + 0.25**2 * np.maximum(strange - 0.3, 0))
    found = fitted(strange, deviation * drawn.standard_normal(20_000), 0.1, 0.3)
    assert (found.floor, found.usual) == (0.1, 0.3)
    assert found.slope == pytest.approx(0.25, rel=0.05)


def test_where_strangeness_says_nothing_there_is_no_slope():
    drawn = np.random.default_rng(0)
    found = fitted(drawn.exponential(1.0, 5000), 0.2 * drawn.standard_normal(5000), 0.2, 0.0)
    assert found.slope < 0.05
