"""Images of a batch lend each other mean and deviation; nothing else of them changes."""

import pytest
import torch

from m3depth.errors import ConfigError
from m3depth.networks.encoder import Encoder
from m3depth.networks.mixed_statistics import mixed


def test_what_is_seen_stays_and_how_is_between_the_images():
    torch.manual_seed(0)
    scale = torch.tensor([1.0, 4.0])[:, None, None, None]
    features = torch.randn(2, 3, 16, 16, dtype=torch.float64) * scale + 10 * scale
    found = mixed(features)
    for one, other in zip(features, found, strict=True):
        for channel, same in zip(one, other, strict=True):
            both = torch.stack([channel.flatten(), same.flatten()])
            torch.testing.assert_close(torch.corrcoef(both)[0, 1].item(), 1.0)
    for _ in range(20):
        deviation, mean = torch.std_mean(mixed(features), (2, 3))
        own_deviation, own_mean = torch.std_mean(features, (2, 3))
        assert (mean > own_mean.amin(0) - 1e-3).all()
        assert (mean < own_mean.amax(0) + 1e-3).all()
        assert (deviation < own_deviation.amax(0) + 1e-3).all()


def test_in_training_alone_and_in_no_checkpoint():
    torch.manual_seed(0)
    for name in ("tf_efficientnet_lite0", "resnet18"):
        plain, mixing = Encoder(name), Encoder(name, mixed_statistics=1.0)
        mixing.load_state_dict(plain.state_dict())
        image = torch.rand(4, 3, 64, 64) * torch.linspace(0.2, 1, 4)[:, None, None, None]
        plain.eval(), mixing.eval()
        torch.testing.assert_close(mixing(image)[-1], plain(image)[-1])
        mixing.train()
        first, second = (mixing(image)[0] for _ in range(2))
        assert (first - second).abs().max() > 1e-4


def test_not_for_an_encoder_whose_channels_come_last():
    with pytest.raises(ConfigError, match=r"network\.mixed_statistics: not for test_mambaout"):
        Encoder("test_mambaout", mixed_statistics=0.5)
