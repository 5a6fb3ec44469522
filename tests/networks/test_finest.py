"""What a trained network says about a picture, and about its mirror image."""

import pytest
import torch
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.networks.finest import Finest
from m3depth.networks.monodepth import Monodepth
from m3depth.types import Disparity


def network() -> Monodepth:
    torch.manual_seed(0)
    return Monodepth("resnet10t", widths=(16, 16, 8, 8, 8))


def test_it_is_the_finest_scale_in_evaluation_mode():
    trained, image = network(), torch.rand(2, 3, 64, 96)
    found = Finest(trained)(image)
    for one, expected in zip(found, trained(image)[0], strict=True):
        assert torch.equal(one, expected)
    assert not trained.training


def test_averaged_with_its_mirror_image_neither_side_is_preferred():
    averaged, image = Finest(network(), flip=True), torch.rand(2, 3, 64, 96)
    seen, mirrored = averaged(image).left, averaged(image.flip(-1)).left.flip(-1)
    torch.testing.assert_close(seen, mirrored)
    plain = Finest(network())
    assert not torch.allclose(plain(image).left, plain(image.flip(-1)).left.flip(-1), atol=1e-5)


class Ramp(nn.Module):
    """Disparity that grows to the right, whatever the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(0.1))

    def forward(self, image: Tensor) -> tuple[Disparity]:
        ramp = self.slope * torch.linspace(0, 1, image.shape[-1]).expand_as(image[:, :1])
        return (Disparity(ramp, 2 * ramp),)


def test_only_the_left_view_is_averaged():
    found = Finest(Ramp(), flip=True)(torch.rand(1, 3, 4, 5))
    torch.testing.assert_close(found.left, torch.full((1, 1, 4, 5), 0.05))
    torch.testing.assert_close(found.right, 0.2 * torch.linspace(0, 1, 5).expand(1, 1, 4, 5))


def test_bfloat16_is_close_and_comes_out_as_float32():
    image = torch.rand(2, 3, 64, 96)
    exact, mixed = Finest(network())(image), Finest(network(), precision="bf16-mixed")(image)
    for one, other in zip(exact, mixed, strict=True):
        assert other.dtype == torch.float32
        assert not torch.equal(one, other)
    # Half a per cent: eight bits of a number are 0.4 %
    torch.testing.assert_close(mixed.left, exact.left, rtol=5e-3, atol=0)
    torch.testing.assert_close(mixed.error, exact.error, rtol=2e-2, atol=0)


def test_a_precision_that_there_is_not():
    with pytest.raises(ConfigError, match="precision=8: expected one of 32, 32-true, 16-mixed"):
        Finest(network(), precision=8)
