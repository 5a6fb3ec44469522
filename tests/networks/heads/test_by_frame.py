"""The relative depth itself, by a number that each whole frame tells."""

import math

import pytest
import torch

from m3depth.errors import ConfigError
from m3depth.networks.heads.by_frame import FrameScale
from m3depth.networks.heads.decoded import Channels, Decoded

CHANNELS = Channels(4, (4,), 4, relative=1)


def decoded(count: int = 2) -> Decoded:
    maps = torch.randn(count, 4, 5, 6)
    return Decoded(maps, (2 * maps,), maps, torch.rand(count, 1, 5, 6) + 0.5)


def test_untrained_it_is_the_relative_depth_up_to_one_scale():
    given = decoded()
    depth_mm = FrameScale(CHANNELS, initial_mm=50).eval()(given)
    relative = given.relative / given.relative.mean((2, 3), keepdim=True)
    torch.testing.assert_close(depth_mm, 50 / relative)


def test_whatever_the_unit_of_the_relative_depth_is():
    given, head = decoded(), FrameScale(CHANNELS).eval()
    other = given._replace(relative=1e3 * given.relative)
    torch.testing.assert_close(head(given), head(other))


def test_m_and_a_by_the_formula_in_float32_under_autocast():
    given, head = decoded(), FrameScale(CHANNELS, max_depth_mm=200).eval()
    torch.nn.init.normal_(head.to_log_mean.weight)
    with torch.no_grad():
        head.log_contrast.fill_(0.7)
    maps = (given.bottleneck, *given.blocks, given.activation)
    parts = [f for one in maps for f in (one.mean((2, 3)), one.std((2, 3), correction=0))]
    unit = torch.cat(parts, 1) / math.sqrt(24)  # nothing was counted: mean 0, variance 1
    log_m = unit @ head.to_log_mean.weight[0] + head.to_log_mean.bias
    r = given.relative / given.relative.mean((2, 3), keepdim=True)
    inverse = log_m.exp()[:, None, None, None] * (1 + math.exp(0.7) * (r - 1))
    with torch.autocast("cpu", torch.bfloat16):
        found = head(given)
    torch.testing.assert_close(found, 1 / inverse.clamp_min(1 / 200), rtol=1e-4, atol=1e-3)


def test_a_frame_s_depth_is_the_same_whatever_shares_its_batch():
    head = FrameScale(CHANNELS)
    torch.nn.init.normal_(head.to_log_mean.weight)
    for _ in range(3):
        head.train()(decoded(8))  # counts the usual features
    given = decoded(2)
    alone = given._replace(
        bottleneck=given.bottleneck[:1],
        blocks=(given.blocks[0][:1],),
        activation=given.activation[:1],
        relative=given.relative[:1],
    )
    torch.testing.assert_close(head.eval()(given)[:1], head(alone))


def test_a_decoder_without_relative_depth_is_refused():
    with pytest.raises(ConfigError, match="gives no relative depth"):
        FrameScale(Channels(4, (4,), 4))
