"""What a trained network says about a picture, and about its mirror image."""

import pytest
import torch
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.networks.finest import Finest
from m3depth.networks.monodepth import Monodepth
from m3depth.types import DepthMap, Kind


def network() -> Monodepth:
    torch.manual_seed(0)
    return Monodepth("resnet10t", widths=(16, 16, 8, 8, 8))


def test_it_is_the_finest_scale_in_evaluation_mode():
    trained, image = network(), torch.rand(2, 3, 64, 96)
    found = Finest(trained)(image)
    expected = trained(image)[0]
    assert torch.equal(found.values, expected.values)
    assert torch.equal(found.error, expected.error)
    assert (found.kind, found.right) == (Kind.FRACTION, None)
    assert not trained.training


def test_averaged_with_its_mirror_image_neither_side_is_preferred():
    averaged, image = Finest(network(), flip=True), torch.rand(2, 3, 64, 96)
    seen, mirrored = averaged(image).values, averaged(image.flip(-1)).values.flip(-1)
    torch.testing.assert_close(seen, mirrored)
    plain = Finest(network())
    assert not torch.allclose(plain(image).values, plain(image.flip(-1)).values.flip(-1), atol=1e-5)


class Ramp(nn.Module):
    """Disparity that grows to the right, whatever the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(0.1))

    def forward(self, image: Tensor) -> tuple[DepthMap]:
        ramp = self.slope * torch.linspace(0, 1, image.shape[-1]).expand_as(image[:, :1])
        return (DepthMap(ramp, Kind.FRACTION),)


def test_a_ramp_and_its_mirror_image_are_flat():
    found = Finest(Ramp(), flip=True)(torch.rand(1, 3, 4, 5))
    torch.testing.assert_close(found.values, torch.full((1, 1, 4, 5), 0.05))
    assert found.error is None


@pytest.mark.parametrize("output", [lambda x: x[:, :1], lambda x: (x,), lambda x: ()])
def test_a_network_whose_output_is_no_depth_map_is_refused(output):
    network = nn.Identity()
    network.forward = output
    network.scale = nn.Parameter(torch.ones(()))
    with pytest.raises(ConfigError, match=r"network: its output is a .*must be a tuple of"):
        Finest(network)(torch.rand(1, 3, 4, 5))


def test_a_map_of_another_shape_is_refused():
    network = Ramp()
    half = network.forward
    network.forward = lambda image: half(image[..., ::2])
    with pytest.raises(ConfigError, match=r"shape \(1, 1, 4, 3\); for images of \(1, 3, 4, 5\) it"):
        Finest(network)(torch.rand(1, 3, 4, 5))


def test_bfloat16_is_close_and_comes_out_as_float32():
    image = torch.rand(2, 3, 64, 96)
    exact, mixed = Finest(network())(image), Finest(network(), precision="bf16-mixed")(image)
    for one, other in ((exact.values, mixed.values), (exact.error, mixed.error)):
        assert other.dtype == torch.float32
        assert not torch.equal(one, other)
    # Half a per cent: eight bits of a number are 0.4 %
    torch.testing.assert_close(mixed.values, exact.values, rtol=5e-3, atol=0)
    torch.testing.assert_close(mixed.error, exact.error, rtol=2e-2, atol=0)


def test_a_precision_that_there_is_not():
    with pytest.raises(ConfigError, match="precision=8: expected one of 32, 32-true, 16-mixed"):
        Finest(network(), precision=8)
