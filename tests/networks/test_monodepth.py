"""Shapes, ranges and the start of the network, for encoders of several kinds."""

import math

import pytest
import torch
from torch import nn

from m3depth.networks.encoder import Encoder
from m3depth.networks.monodepth import Head, Monodepth
from m3depth.types import DepthMap, Kind

# with and without a map at half size, with and without batch norm
ENCODERS = [
    "test_resnet",
    "test_efficientnet",
    "test_convnext",
    "test_nfnet",
    "mobilenetv3_small_050",
]
SMALL = {"widths": (24, 16, 12, 8, 8)}


def network(encoder: str = "test_resnet", **options: float) -> Monodepth:
    return Monodepth(encoder, **SMALL, **options).eval()


@pytest.fixture(scope="module", params=ENCODERS)
def any_network(request: pytest.FixtureRequest) -> Monodepth:
    return network(request.param)


@pytest.mark.parametrize("size", [(64, 96), (65, 97), (50, 83), (33, 120)])
def test_any_input_size_gives_four_scales(any_network: Monodepth, size: tuple[int, int]):
    with torch.inference_mode():
        pyramid = any_network(torch.rand(2, 3, *size))
    assert len(pyramid) == 4
    for scale, disparity in enumerate(pyramid):
        assert isinstance(disparity, DepthMap)
        assert disparity.kind is disparity.right.kind is Kind.FRACTION
        for side in (disparity.values, disparity.right.values):
            assert side.shape[:2] == (2, 1)
            for found, full in zip(side.shape[-2:], size, strict=True):
                assert math.floor(full / 2**scale) <= found <= math.ceil(full / 2**scale)


def test_disparities_stay_in_range_whatever_comes_in(any_network: Monodepth):
    with torch.inference_mode():
        for image in torch.stack([torch.zeros(3, 64, 96), torch.ones(3, 64, 96)])[:, None]:
            pyramid = any_network(image)
            for disparity in pyramid:
                for side in (disparity.values, disparity.right.values):
                    assert side.min() > 0
                    assert side.max() < 0.3
            assert pyramid[0].error.shape == pyramid[0].values.shape
            assert pyramid[0].error.min() > 0


def test_the_range_can_be_reached():
    net = network(max_disparity=0.2)
    for head in net.heads:
        nn.init.constant_(head.to_logits.weight, 0.0)
    for bias, expected in ((50.0, 0.2), (-50.0, 0.0), (0.0, 0.1)):
        for head in net.heads:
            nn.init.constant_(head.to_logits.bias, bias)
        finest = net(torch.rand(1, 3, 32, 32))[0].values
        torch.testing.assert_close(finest, torch.full_like(finest, expected))


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("start", [0.02, 0.065, 0.2])
def test_starts_at_the_initial_disparity(encoder: str, start: float):
    with torch.inference_mode():
        for disparity in network(encoder, initial_disparity=start)(torch.rand(2, 3, 64, 96)):
            for side in (disparity.values, disparity.right.values):
                assert (side / start - 1).abs().max() < 0.2


def test_the_two_sides_are_two_predictions():
    finest = network()(torch.rand(1, 3, 64, 96))[0]
    left, right = finest.values, finest.right.values
    assert not torch.equal(left, right)


def test_every_parameter_of_the_decoder_learns():
    net = network().train()
    pyramid = net(torch.rand(2, 3, 64, 96))
    maps = [side for one in pyramid for side in (one.values, one.right.values)]
    sum(one.mean() for one in (*maps, pyramid[0].error)).backward()
    for name, parameter in net.named_parameters():
        if not name.startswith("encoder."):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_output_is_float32_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pyramid = network()(torch.rand(1, 3, 64, 96))
    assert {side.dtype for one in pyramid for side in (one.values, one.right.values)} == {
        torch.float32
    }


def test_mixed_precision_does_not_put_disparities_on_steps():
    head = Head(8, 0.065, 0.3)
    features = torch.linspace(0, 100, 320).expand(1, 8, 4, 320)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = head(features.bfloat16()).left
    torch.testing.assert_close(mixed, head(features.bfloat16().float()).left)


def test_an_encoder_whose_maps_are_channels_last():
    encoder = Encoder("test_mambaout").eval()
    for height in (64, 4 * encoder.channels[0]):  # at the latter as many rows as channels
        maps = encoder(torch.rand(1, 3, height, 96))
        assert [m.shape[1] for m in maps] == encoder.channels
        assert [height // m.shape[2] for m in maps] == encoder.reductions


class TestEncoder:
    def test_normalises_as_the_weights_were_trained(self):
        encoder = Encoder("tf_efficientnet_lite0").eval()
        seen: list[torch.Tensor] = []
        encoder.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        encoder(torch.full((1, 3, 32, 32), 0.75))
        torch.testing.assert_close(seen[0], torch.full((1, 3, 32, 32), 0.5))  # mean, std 0.5

    def test_maps_are_as_described(self):
        for name in ENCODERS:
            encoder = Encoder(name).eval()
            maps = encoder(torch.rand(1, 3, 64, 128))
            assert [m.shape[1] for m in maps] == encoder.channels
            assert [64 // m.shape[2] for m in maps] == encoder.reductions

    def test_statistics_are_not_in_the_checkpoint(self):
        assert not {"mean", "std"} & Encoder("test_resnet").state_dict().keys()


def test_coarser_scales_can_come_at_the_full_size():
    torch.manual_seed(0)
    network = Monodepth(full_size=True).eval()
    image = torch.rand(1, 3, 50, 70)
    full = network(image)
    network.full_size = False
    own = network(image)
    assert {side.shape for d in full for side in (d.values, d.right.values)} == {(1, 1, 50, 70)}
    assert torch.equal(full[0].values, own[0].values)
    assert full[3].right.values.mean().item() == pytest.approx(
        own[3].right.values.mean().item(), rel=1e-3
    )


def test_a_normalised_decoder_does_not_depend_on_the_rest_of_the_batch():
    torch.manual_seed(0)
    network = Monodepth("test_resnet", widths=(16, 16, 8, 8, 8), decoder_norm=True)
    network.encoder.eval()  # the decoder trains
    images = torch.rand(3, 3, 32, 64)
    alone, together = network(images[:1]), network(images)
    for one, many in zip(alone, together, strict=True):
        torch.testing.assert_close(one.values[0], many.values[0])
    assert any(isinstance(layer, torch.nn.GroupNorm) for layer in network.stages.modules())
