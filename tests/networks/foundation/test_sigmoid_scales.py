"""EndoSfM3D's depth network: what of it trains, and what comes out."""

from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from tiny import DEPTH_ANYTHING
from torch import Tensor

from m3depth.cli.configuration import configuration
from m3depth.errors import ConfigError
from m3depth.networks.configuration import built
from m3depth.networks.video.sigmoid_scales import SigmoidScales
from m3depth.networks.video.vector_lora import VectorLora
from m3depth.systems.turns import Stages
from m3depth.types import Kind

DORA = {"rank": 3, "alpha": 16, "dropout": 0.0, "dora": True}


def tiny(**options: Any) -> SigmoidScales:
    usual = {"architecture": DEPTH_ANYTHING, "hub": "somebody/model", "licence": "of somebody"}
    return SigmoidScales(**{**usual, "pretrained": False, "adapter": DORA, **options})


def trainable(network: torch.nn.Module) -> dict[str, int]:
    numbers = {"head": 0, "below": 0}
    for name, one in network.named_parameters():
        numbers["head" if name.startswith("head.") else "below"] += one.numel() * one.requires_grad
    return numbers


@pytest.mark.parametrize(
    ("adapter", "below"),
    [
        ("dora", 267_264),  # 24 layers of 2 · 14 · 384 + 384
        ("dares", 2 * 2 * 384 * (2 * (14 + 12 + 10) + 6 * 8)),
        ("vector_lora", 12 * 2 * (4 * (384 + 1536) + 4) + 12 * (384 + 1536)),
        ("frozen", 0),
    ],
)
def test_depth_anything_v2_trains_its_adapter_and_the_head_alone(adapter: str, below: int):
    options = ["network=endosfm3d", f"network/adapter={adapter}", "network.pretrained=false"]
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("train", [*options, "output=somewhere"])
    with torch.device("meta"):
        network = built(OmegaConf.to_container(config.network, resolve=True))
    assert trainable(network) == {"head": 27_745, "below": below}


def test_four_scales_of_inverse_depth_between_the_bounds():
    network = tiny(nearest=2.0, farthest=50.0, typical_depth=10.0)
    maps = network(torch.rand(2, 3, 45, 63))
    assert [one.size for one in maps] == [(45, 63), (23, 32), (12, 16), (6, 8)]
    assert all(one.kind is Kind.INVERSE_DEPTH for one in maps)
    typical = torch.full((2, 1, 45, 63), 10.0)
    torch.testing.assert_close(1 / maps[0].values, typical, rtol=0.1, atol=0)
    network.head.to_logit.weight.data.normal_(std=100)
    depth = 1 / network(torch.rand(2, 3, 45, 63))[0].values
    assert depth.min() >= 2 - 1e-3
    assert depth.max() <= 50 + 1e-2


def gradients(network: torch.nn.Module) -> tuple[set[str], set[str]]:
    """Trainable parameters without a gradient, and frozen ones with."""
    sum((one.values * torch.rand(())).sum() for one in network(torch.rand(1, 3, 56, 56))).backward()
    named = dict(network.named_parameters())
    without = {name for name, one in named.items() if one.requires_grad and one.grad is None}
    frozen = {name for name, one in named.items() if not one.requires_grad and one.grad is not None}
    return without, frozen


@pytest.mark.parametrize("adapter", [DORA, VectorLora(2)], ids=["dora", "vectors"])
def test_all_that_trains_gets_a_gradient_and_nothing_that_is_frozen(adapter: Any):
    assert gradients(tiny(adapter=adapter)) == (set(), set())


def test_normalised_input_of_whole_patches_reaches_the_model():
    network, seen = tiny(mean=[0.5] * 3, std=[0.25] * 3), []
    keep = network.model.backbone.forward_with_filtered_kwargs

    def kept(pixels: Tensor) -> Any:
        seen.append(pixels)
        return keep(pixels)

    network.model.backbone.forward_with_filtered_kwargs = kept
    network(torch.full((1, 3, 45, 63), 0.75))
    assert seen[0].shape == (1, 3, 42, 56)
    torch.testing.assert_close(seen[0], torch.ones(1, 3, 42, 56))


def test_an_untrained_vector_lora_changes_nothing():
    torch.manual_seed(1)
    plain = tiny(adapter={"rank": 0})
    torch.manual_seed(1)
    adapted = tiny(adapter=VectorLora(2))
    adapted.head.load_state_dict(plain.head.state_dict())
    image = torch.rand(1, 3, 56, 56)
    torch.testing.assert_close(adapted(image)[0].values, plain(image)[0].values)


def test_vector_lora_s_second_stage_really_trains():
    """Matrices first, vectors after them, with one optimizer from the start."""
    network = tiny(adapter=VectorLora(2))
    optimizer = torch.optim.Adam([one for one in network.parameters() if one.requires_grad], 1e-3)
    stages = Stages(["matrix_"], ["vector_"], warm_up=3)
    moved = []
    for step in range(6):
        before = {name: one.detach().clone() for name, one in network.named_parameters()}
        optimizer.zero_grad()
        network(torch.rand(1, 3, 56, 56))[0].values.mean().mul(1e4).backward()
        stages(network, step)
        optimizer.step()
        now = dict(network.named_parameters())
        moved.append({name for name, one in before.items() if not one.equal(now[name])})
    for step, names in enumerate(moved):
        of_matrices = any("matrix_" in name for name in names)
        of_vectors = any("vector_" in name for name in names)
        assert (of_matrices, of_vectors) == (step < 3, step >= 3)
    assert all(any(name.startswith("head.") for name in names) for names in moved)


def test_names_that_nothing_has_are_refused():
    with pytest.raises(ConfigError, match="contains matrix_"):
        Stages(["matrix_"], ["vector_"], 1)(torch.nn.Linear(1, 1), 0)
    with pytest.raises(ConfigError, match="no fc1"):
        VectorLora().adapt(torch.nn.Linear(1, 1))
