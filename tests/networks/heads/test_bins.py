"""ZoeDepth's bins, beside the layers of transformers and beside NumPy."""

import numpy as np
import pytest
import torch
from transformers.models.zoedepth.configuration_zoedepth import ZoeDepthConfig
from transformers.models.zoedepth.modeling_zoedepth import ZoeDepthMetricDepthEstimationHead

from m3depth.errors import ConfigError
from m3depth.networks.heads.bins import MetricBins, attracted, seed_centres
from m3depth.networks.heads.decoded import Channels, Decoded
from m3depth.networks.heads.log_binomial import log_binomial

CHANNELS = Channels(bottleneck=6, blocks=(6, 6, 6, 6), activation=5, relative=1)
SIDES = (2, 3, 5, 8)  # of the blocks


def decoded(dtype: torch.dtype = torch.float32) -> Decoded:
    def maps(channels: int, side: int) -> torch.Tensor:
        return torch.randn(2, channels, side, side + 1, dtype=dtype)

    blocks = tuple(maps(6, side) for side in SIDES)
    return Decoded(maps(6, 2), blocks, maps(5, 11), maps(1, 11).abs() * 100)


def head() -> MetricBins:
    return MetricBins(CHANNELS, 10, 300, bins=12, attractors=(4, 3, 2, 1))


def twin_of(ours: MetricBins) -> torch.nn.Module:
    """The head of transformers, whose configured alpha of 1000 it does not use, with our weights.

    Its attractors have two numbers each and use the first.
    """
    config = ZoeDepthConfig(
        bin_centers_type="normed",
        bin_configurations=[{"n_bins": 12, "min_depth": 10.0, "max_depth": 300.0}],
        bottleneck_features=6,
        fusion_hidden_size=6,
        num_relative_features=5,
        num_attractors=[4, 3, 2, 1],
        bin_embedding_dim=128,
    )
    theirs = ZoeDepthMetricDepthEstimationHead(config)
    pairs = [(ours.bottleneck, theirs.conv2)]
    mlp = theirs.conditional_log_binomial.mlp
    pairs += [(ours.probabilities.to_shares[i], mlp[i]) for i in (0, 2)]
    stacks = [(ours.seeds, theirs.seed_bin_regressor), (ours.seed_embedding, theirs.seed_projector)]
    stacks += zip(ours.embeddings, theirs.projectors, strict=True)
    stacks += zip(ours.attractors, theirs.attractors, strict=True)
    pairs += [pair for a, b in stacks for pair in ((a[0], b.conv1), (a[2], b.conv2))]
    with torch.no_grad():
        for own, other in pairs:
            step = len(other.weight) // len(own.weight)
            other.weight[::step], other.bias[::step] = own.weight, own.bias
    return theirs


def test_it_equals_the_head_of_transformers_with_the_same_weights():
    ours, given = head(), decoded()
    theirs, _ = twin_of(ours)(
        given.activation, given.bottleneck, list(given.blocks), given.relative[:, 0]
    )
    depth_mm = ours(given)
    assert depth_mm.std() > 0.1
    torch.testing.assert_close(depth_mm, theirs, rtol=1e-5, atol=1e-3)


def numpy_log_binomial(p: float, temperature: float, bins: int) -> np.ndarray:
    """The binomial's probabilities by their formula, with Stirling's n! ~ (n/e)^n."""
    n = bins - 1
    factorial = [1.0] + [(i / np.e) ** i for i in range(1, bins)]
    chosen = np.array([factorial[n] / (factorial[k] * factorial[n - k]) for k in range(bins)])
    k = np.arange(bins)
    powers = (chosen * p**k * (1 - p) ** (n - k)) ** (1 / temperature)
    return powers / powers.sum()


@pytest.mark.parametrize(("p", "temperature"), [(0.5, 1.0), (0.1, 0.7), (0.93, 20.0)])
def test_the_log_binomial_is_its_formula(p: float, temperature: float):
    found = log_binomial(torch.full((1, 1, 1, 1), p), torch.full((1, 1, 1, 1), temperature), 9)
    expected = numpy_log_binomial(p, temperature, 9)
    np.testing.assert_allclose(found[0, :, 0, 0].numpy(), expected, rtol=1e-5)


def test_attractors_pull_as_the_paper_says():
    centres, points = torch.rand(1, 5, 1, 1), torch.rand(1, 3, 1, 1)
    found = attracted(centres, points)[0, :, 0, 0]
    for centre, moved in zip(centres.flatten().numpy(), found.numpy(), strict=True):
        away = points.flatten().numpy() - centre
        assert moved == pytest.approx(centre + np.mean(away / (1 + 300 * away**2)), rel=1e-5)


def test_seeds_fill_the_range_in_order():
    centres = seed_centres(torch.randn(1, 7, 1, 1))[0, :, 0, 0]
    widths = 2 * (centres - torch.cat([torch.zeros(1), centres[:-1]]))
    assert (centres.diff() > 0).all()
    assert 0 < centres[0] < centres[-1] < 1
    even = seed_centres(torch.zeros(1, 4, 1, 1))[0, :, 0, 0]
    torch.testing.assert_close(even, torch.tensor([0.125, 0.375, 0.625, 0.875]))
    assert widths[0] > 0


@pytest.mark.parametrize("magnitude", [1.0, 1e4])
def test_bf16_features_give_finite_depth_in_range_and_finite_gradients(magnitude: float):
    ours, given = head(), decoded(torch.bfloat16)
    given = Decoded(
        given.bottleneck * magnitude,
        tuple(one * magnitude for one in given.blocks),
        given.activation * magnitude,
        given.relative * magnitude,
    )
    with torch.autocast("cpu", torch.bfloat16):
        depth_mm = ours(given)
    assert depth_mm.dtype == torch.float32
    assert ((depth_mm >= 10) & (depth_mm <= 300)).all()
    depth_mm.square().mean().backward()
    for name, parameter in ours.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


def test_it_learns_a_depth_in_bf16():
    ours, given = head(), decoded(torch.bfloat16)
    target = torch.linspace(20, 120, 12).expand(2, 1, 11, 12)
    optimizer = torch.optim.Adam(ours.parameters(), lr=3e-3)
    errors = []
    for _ in range(60):
        with torch.autocast("cpu", torch.bfloat16):
            error = (ours(given) - target).abs().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(float(error.detach()))
    assert errors[-1] < 0.6 * errors[0]


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match=r"attractors=\[4, 2\]: expected 4 numbers"):
        MetricBins(CHANNELS, attractors=(4, 2))
    with pytest.raises(ConfigError, match=r"head\.attractors=0: expected a whole number from 1"):
        MetricBins(CHANNELS, attractors=(4, 0, 2, 1))
    with pytest.raises(ConfigError, match=r"head\.embedding=0"):
        MetricBins(CHANNELS, embedding=0)
    with pytest.raises(ConfigError, match=r"head\.max_depth_mm=5"):
        MetricBins(CHANNELS, min_depth_mm=10, max_depth_mm=5)
