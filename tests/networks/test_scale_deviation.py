"""What is strange to a network, and how unsure of the scale that makes it."""

import numpy as np
import pytest
import torch
from torch import nn

from m3depth.networks.finest import Finest
from m3depth.networks.scale_deviation import ScaleDeviation, nearness
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


def drawn_from(told: ScaleDeviation, count: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Strangeness, nearness as found, and how far depth is off, of images as it supposes them."""
    draw = np.random.default_rng(seed)
    strange = draw.exponential(1.0, count)
    excess = told.slope**2 * np.maximum(strange - told.usual, 0)
    true = told.middle + told.spread * draw.standard_normal(count)
    own = told.floor * draw.standard_normal(count)
    near = true + np.sqrt(excess) * draw.standard_normal(count)
    return strange, near, true - near + own


def test_the_slope_is_found_again():
    told = ScaleDeviation(0.1, 0.25, 0.3, -2.5, 0.2)
    found = told._replace(slope=0.0).fitted(*drawn_from(told, 20_000))
    assert found._replace(slope=0.25) == told
    assert found.slope == pytest.approx(0.25, rel=0.05)


def test_the_deviation_is_how_far_off_the_scale_is():
    """Of images that it says the same of, whether they are unusually near or as usual."""
    told = ScaleDeviation(0.1, 0.5, 0.3, -2.5, 0.2)
    strange, near, off = drawn_from(told, 400_000)
    said = told(torch.from_numpy(strange), torch.from_numpy(near)).numpy()
    for low, high in ((0.1, 0.15), (0.2, 0.3), (0.4, 0.6), (1.0, 1.4)):
        some = (said > low) & (said < high)
        assert some.sum() > 1000
        assert np.sqrt(np.mean(off[some] ** 2)) == pytest.approx(
            np.sqrt(np.mean(said[some] ** 2)), rel=0.05
        )


def test_usual_images_are_known_to_the_floor_however_near_and_strange_ones_less_the_nearer():
    told = ScaleDeviation(0.1, 0.5, 0.3, -2.5, 0.2)
    usual, strange = (torch.full((3,), one) for one in (0.2, 2.0))
    near = torch.tensor([-2.5, -2.0, -1.5])
    assert told(usual, near).tolist() == pytest.approx([0.1] * 3)
    middle, nearer, nearest = told(strange, near).tolist()
    assert 0.1 < middle < nearer < nearest
    farther = told(strange, -5.0 - near).tolist()
    assert farther == pytest.approx([middle, nearer, nearest])


def test_three_numbers_of_an_earlier_checkpoint_mean_what_they_meant():
    told, strange = ScaleDeviation(0.1, 0.5, 0.3), torch.tensor([0.1, 1.3])
    expected = [0.1, np.sqrt(0.1**2 + 0.5**2)]
    for near in (-5.0, 0.0):
        assert told(strange, torch.full((2,), near)).tolist() == pytest.approx(expected)


def test_where_strangeness_says_nothing_there_is_no_slope():
    draw = np.random.default_rng(0)
    near = -2.5 + 0.2 * draw.standard_normal(5000)
    told = ScaleDeviation(0.2, 0.0, 0.0, -2.5, 0.2)
    found = told.fitted(draw.exponential(1.0, 5000), near, 0.2 * draw.standard_normal(5000))
    assert found.slope < 0.05


def test_of_usual_images_middle_and_spread_are_of_what_the_better_depth_says():
    strange, near = np.array([0.1, 0.2, 0.3]), np.array([-2.0, -2.0, -2.0])
    found = ScaleDeviation.without_slope(strange, near, np.array([-0.3, 0.0, 0.3]))
    assert found.middle == pytest.approx(-2.0)
    assert found.spread == pytest.approx(np.sqrt(0.06))
    assert found.floor == pytest.approx(np.sqrt(0.06))
    assert found.usual == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (DepthMap(torch.full((1, 1, 4, 4), 0.1), Kind.FRACTION), 0.12),
        (DepthMap(torch.full((1, 1, 4, 4), -0.01), Kind.FRACTION), 0.01),
        (DepthMap(torch.full((1, 1, 4, 4), 50.0), Kind.DEPTH), 1 / 50),
    ],
)
def test_nearness_is_of_the_median_from_what_is_infinitely_far_on(found: DepthMap, expected: float):
    assert nearness(found, -0.02).exp().tolist() == pytest.approx([expected])
