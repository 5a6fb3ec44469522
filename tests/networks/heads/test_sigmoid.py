"""The largest depth times a sigmoid."""

import pytest
import torch

from m3depth.errors import ConfigError
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.networks.heads.sigmoid import SigmoidDepth

CHANNELS = Channels(4, (4,), 4)


def decoded(activation: torch.Tensor) -> Decoded:
    return Decoded(activation, (activation,), activation)


def test_an_untrained_head_gives_the_depth_that_was_asked_for():
    depth_mm = SigmoidDepth(CHANNELS, 300, 60)(decoded(torch.randn(2, 4, 5, 6)))
    assert depth_mm.shape == (2, 1, 5, 6)
    assert (depth_mm - 60).abs().max() < 2


def test_depth_is_the_largest_times_the_sigmoid_in_float32_under_autocast():
    head, activation = SigmoidDepth(CHANNELS, 200, 100), torch.randn(1, 4, 3, 3)
    torch.nn.init.normal_(head.to_logit.weight)
    weight = head.to_logit.weight[0, :, 0, 0]
    expected = 200 / (1 + torch.exp(-torch.einsum("c,bchw->bhw", weight, activation)))
    with torch.autocast("cpu", torch.bfloat16):
        found = head(decoded(activation))
    torch.testing.assert_close(found[:, 0], expected, rtol=1e-5, atol=1e-4)


def test_a_first_depth_beyond_the_largest_is_refused():
    with pytest.raises(ConfigError, match=r"initial_mm=400: expected a number from 3 to 297"):
        SigmoidDepth(CHANNELS, 300, 400)
