"""Millimetres by a new head on the decoder of a network that was trained before."""

import logging
from functools import partial
from pathlib import Path

import pytest
import torch
from command_line import SCENES, m3depth, succeed
from torch import nn

from m3depth.errors import ConfigError
from m3depth.losses.logarithmic import silog
from m3depth.networks.contract import require_depth_maps
from m3depth.networks.heads.bins import MetricBins
from m3depth.networks.heads.decoded import Channels
from m3depth.networks.heads.sigmoid import SigmoidDepth
from m3depth.networks.metric import Metric
from m3depth.networks.monodepth import Monodepth
from m3depth.networks.start import begin
from m3depth.networks.trained import load_model
from m3depth.types import Kind, Scale

BELOW = (
    *("network.network.encoder=test_resnet", "network.network.pretrained=false"),
    "network.network.widths=[16,16,8,8,8]",
)
SMALL = ("network.head.bins=8", "network.head.embedding=8")
TRAINING = ("train", "system=supervised", *SCENES, "trainer=cpu", "debug=two_steps")
BINS = partial(MetricBins, bins=8, embedding=8)


def decoder(encoder: str = "test_resnet") -> Monodepth:
    return Monodepth(encoder, widths=(24, 16, 12, 8, 8))


@pytest.mark.parametrize("encoder", ["test_resnet", "test_convnext", "mobilenetv3_small_050"])
@pytest.mark.parametrize("size", [(64, 96), (33, 61)])
def test_one_map_of_the_images_size_within_the_bins(encoder: str, size: tuple[int, int]):
    network, image = Metric(decoder(encoder), BINS).eval(), torch.rand(2, 3, *size)
    with torch.inference_mode():
        (depth,) = pyramid = network(image)
    require_depth_maps(pyramid, image)
    assert (depth.kind, depth.scale) == (Kind.DEPTH, Scale.METRIC)
    assert depth.values.min() >= 10
    assert depth.values.max() <= 300
    assert depth.values.std() > 0


def test_the_decoder_gives_a_head_what_its_own_heads_have():
    network, image = decoder().eval(), torch.rand(1, 3, 40, 56)
    decoded, own = network.decoded(image), network(image)
    assert torch.equal(decoded.relative, own[0].values)
    assert torch.equal(network.heads[-1](decoded.activation).right, own[0].right.values)
    assert torch.equal(network.heads[-2](decoded.blocks[-1]).left, own[1].values)
    widths = tuple(one.shape[1] for one in decoded.blocks)
    expected = Channels(decoded.bottleneck.shape[1], widths, decoded.activation.shape[1], 1)
    assert network.channels == expected


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("head", [BINS, SigmoidDepth])
def test_it_learns_two_frames(head: partial[nn.Module], precision: torch.dtype):
    network = Metric(decoder(), head)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    image = torch.rand(2, 3, 8, 12).repeat_interleave(4, 2).repeat_interleave(4, 3)
    label = 30 + 60 * image.mean(1, keepdim=True)
    losses = []
    for _ in range(40):
        with torch.autocast("cpu", precision, enabled=precision is not torch.float32):
            depth_mm = network(image)[0].depth_mm()
        assert depth_mm.dtype is torch.float32
        loss = silog(depth_mm, label, torch.ones_like(label, dtype=torch.bool)).value.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_frozen_only_the_head_learns_and_statistics_stand_still():
    network = Metric(decoder(), SigmoidDepth, frozen=True)  # as it trains
    learning = {name for name, one in network.named_parameters() if one.requires_grad}
    assert learning
    assert all(name.startswith("head.") for name in learning)
    assert network.head.training
    assert not any(module.training for module in network.network.modules())


def test_the_encoder_has_a_rate_of_its_own():
    network = Metric(decoder(), BINS, encoder_rate=0.1)
    (group,) = network.own_rates()
    assert group["rate"] == 0.1
    assert list(map(id, group["params"])) == list(map(id, network.network.encoder.parameters()))
    assert Metric(decoder(), BINS).own_rates() == []


def test_a_network_without_a_decoder_is_one_line():
    with pytest.raises(ConfigError, match=r"network\.network: Linear has no method decoded"):
        Metric(nn.Linear(1, 1), BINS)


@pytest.fixture(scope="module")
def relative(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("relative")
    given = ("network=relative", *BELOW, "objective=relative", "protocol=scale_shift")
    succeed(*TRAINING, *given, f"output={output}")
    return output / "checkpoints/best.ckpt"


def test_it_begins_from_all_of_a_relative_network(relative: Path, caplog: pytest.LogCaptureFixture):
    network = Metric(Monodepth("test_resnet", widths=(16, 16, 8, 8, 8)), BINS)
    with caplog.at_level(logging.INFO):
        begin(network, {"start": str(relative)})
    trained = load_model(relative).network.network.state_dict()
    begun = network.network.state_dict()
    assert begun.keys() == trained.keys()
    assert all(torch.equal(begun[name], value) for name, value in trained.items())
    assert "new: head." in caplog.text


def test_from_a_relative_network_to_millimetres_without_a_baseline(relative: Path, tmp_path: Path):
    given = ("network=metric", *BELOW, *SMALL, "objective=metric", "network.encoder_rate=0.1")
    run = tmp_path / "metric"
    succeed(*TRAINING, *given, f"network.start={relative}", f"output={run}")
    best = run / "checkpoints/best.ckpt"
    with torch.inference_mode():
        depth_mm = load_model(best).network(torch.rand(1, 3, 32, 48))[0].depth_mm()
    assert 10 <= depth_mm.min() <= depth_mm.max() <= 300
    told = m3depth(*TRAINING, *given, f"network.start={run / 'none.ckpt'}", f"output={tmp_path}")
    assert "none.ckpt" in told.line
