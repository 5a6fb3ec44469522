"""Relative depth made metric by two numbers of the rig."""

import pytest
import torch
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.networks.by_rig import ByRig
from m3depth.networks.contract import require_depth_maps, right_from_mirror
from m3depth.types import DepthMap, Kind, Scale


class Brightness(nn.Module):
    """Its inverse depth is what the red channel says."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, image: Tensor) -> tuple[DepthMap, ...]:
        self.norm(image)
        return (
            DepthMap(
                image[:, :1], Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT, error=image[:, 1:2]
            ),
        )


def test_factor_and_constant():
    image = torch.rand(2, 3, 4, 6)
    found = ByRig(Brightness(), scale=0.25, shift=0.125)(image)
    require_depth_maps(found, image)
    assert (found[0].kind, found[0].scale) == (Kind.FRACTION, Scale.METRIC)
    torch.testing.assert_close(found[0].values, 0.25 * image[:, :1] + 0.125)
    torch.testing.assert_close(found[0].error, 0.25 * image[:, 1:2])
    assert found[0].right is None


def test_the_right_view_is_the_mirrored_one():
    network, right = ByRig(Brightness(), scale=0.5), torch.rand(1, 3, 4, 6)
    both = right_from_mirror(network, network(torch.rand(1, 3, 4, 6)), right)
    torch.testing.assert_close(both[0].right.values, 0.5 * right[:, :1])


def test_frozen_learns_two_numbers_and_no_statistics():
    network = ByRig(Brightness(), frozen=True)  # as it trains: Lightning keeps the mode
    before = network.network.norm.running_mean.clone()
    network(torch.rand(2, 3, 4, 6))[0].values.sum().backward()
    learned = {name for name, one in network.named_parameters() if one.grad is not None}
    assert learned == {"log_scale", "shift"}
    assert torch.equal(network.network.norm.running_mean, before)
    ByRig(network.network).train()(torch.rand(2, 3, 4, 6))
    assert not torch.equal(network.network.norm.running_mean, before)


@pytest.mark.parametrize("option", [{"scale": 0.0}, {"scale": -1.0}, {"shift": 2.0}])
def test_impossible_numbers(option: dict[str, float]):
    with pytest.raises(ConfigError, match=f"network.{next(iter(option))}"):
        ByRig(Brightness(), **option)
