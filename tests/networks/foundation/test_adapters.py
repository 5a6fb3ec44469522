"""What is trained of a pretrained model, and adapters of other models."""

from functools import partial
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tiny import BACKBONE, DEPTH_ANYTHING, METRIC, tiny
from torch import nn
from transformers import Swinv2Config, Swinv2Model

from m3depth.errors import ConfigError, UserError
from m3depth.networks.by_rig import ByRig
from m3depth.networks.foundation.adapted import merge
from m3depth.networks.foundation.adapters import adapt, projections
from m3depth.networks.heads.sigmoid import SigmoidDepth
from m3depth.networks.metric import Metric

DORA = {"rank": 4, "dora": True}
IMAGE = torch.linspace(0, 1, 3 * 28 * 42).reshape(1, 3, 28, 42)


def trained(network: nn.Module) -> set[str]:
    return {name for name, one in network.named_parameters() if one.requires_grad}


def stirred(network: nn.Module) -> nn.Module:
    """With an adapter that changes something: at first none does."""
    for name, one in network.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(one.data, std=0.3)
    return network.eval()


@pytest.mark.parametrize(
    ("adapter", "share"),
    [
        pytest.param({}, ("model.",), id="full"),
        pytest.param({"rank": 0}, ("model.head.",), id="frozen"),
        pytest.param({"rank": 4}, ("model.head.", "lora_A", "lora_B"), id="LoRA"),
        pytest.param(DORA, ("model.head.", "lora_A", "lora_B", "lora_magnitude"), id="DoRA"),
    ],
)
def test_only_what_was_asked_for_has_gradients(adapter: dict[str, object], share: tuple[str, ...]):
    network = tiny(architecture=METRIC, kind="depth", scale="metric", adapter=adapter)
    network(IMAGE)[0].values.mean().backward()
    for name, one in network.named_parameters():
        asked = any(part in name for part in share)
        assert one.requires_grad == asked, name
        assert asked or one.grad is None, name


def test_a_head_of_ours_is_trained_beside_a_frozen_model():
    network = tiny(adapter={"rank": 0}, head=partial(SigmoidDepth))
    assert {name.split(".")[0] for name in trained(network)} == {"model", "head"}


@pytest.mark.parametrize("wrap", [ByRig, partial(Metric, head=SigmoidDepth)])
@pytest.mark.parametrize("adapter", [{"rank": 0}, DORA])
def test_a_network_about_it_trains_no_more_of_it(wrap: type[ByRig], adapter: dict[str, object]):
    """Scale and shift of a rig, then DoRA: the model's own weights stand still."""
    below = tiny(adapter=adapter)
    asked = {f"network.{name}" for name in trained(below)}
    whole = wrap(below)
    assert {name for name in trained(whole) if name.startswith("network.")} == asked
    for name, one in wrap(tiny(adapter=adapter), frozen=True).network.named_parameters():
        assert not one.requires_grad, name


def test_projections_are_found_in_models_that_name_them_otherwise():
    config = Swinv2Config(image_size=32, embed_dim=8, depths=[1, 1], num_heads=[1, 1])
    names = projections(Swinv2Model(config))
    assert [name.rsplit(".", 1)[1] for pair in names for name in pair] == ["query", "value"] * 2
    assert names[0][0].startswith("encoder.layers.0")
    assert names[1][1].startswith("encoder.layers.1")


def test_each_layer_may_have_a_rank_of_its_own():
    network = tiny(adapter={"rank": [4, 3, 2, 1], "dora": True})
    ranks = {
        name.split(".layer.")[1][0]: len(one)
        for name, one in network.named_parameters()
        if "lora_A" in name
    }
    assert ranks == {"0": 4, "1": 3, "2": 2, "3": 1}


def test_one_name_that_ends_like_another_keeps_its_own_rank():
    layers = {"backbone_config": {**BACKBONE, "num_hidden_layers": 12}}
    network = tiny(
        architecture={**DEPTH_ANYTHING, **layers}, adapter={"rank": [*range(1, 13)], "dora": False}
    )
    for name, one in network.named_parameters():
        if "lora_A" in name:
            assert len(one) == int(name.split(".layer.")[1].split(".")[0]) + 1, name


def test_merged_gives_the_same_depth_with_no_adapter_left():
    network = stirred(tiny(architecture=METRIC, kind="depth", scale="metric", adapter=DORA))
    plain = tiny(architecture=METRIC, kind="depth", scale="metric")
    with torch.no_grad():
        before = network(IMAGE)[0].values
        merge(network)
        after = network(IMAGE)[0].values
    torch.testing.assert_close(after, before, rtol=1e-5, atol=1e-2)
    assert network.state_dict().keys() == plain.state_dict().keys()


@pytest.mark.parametrize("adapter", [{"rank": 4}, DORA])
def test_a_training_with_adapters_begins_from_weights_without(adapter: dict[str, object]):
    plain = tiny(architecture=METRIC, kind="depth", scale="metric").eval()
    network = tiny(architecture=METRIC, kind="depth", scale="metric", adapter=adapter).eval()
    told = network.load_state_dict(plain.state_dict(), strict=False)
    assert not told.unexpected_keys
    assert all("lora" in name for name in told.missing_keys)
    torch.testing.assert_close(network(IMAGE)[0].values, plain(IMAGE)[0].values)


def test_a_network_s_state_comes_back_whole_inside_another():
    system = nn.ModuleDict({"network": stirred(tiny(adapter=DORA))})
    again = nn.ModuleDict({"network": tiny(adapter=DORA)})
    again.load_state_dict(system.state_dict())
    pairs = zip(system.named_parameters(), again.named_parameters(), strict=True)
    for (name, one), (_, other) in pairs:
        assert torch.equal(one, other), name


def saved_by_peft(folder: Path, rank: int, names: tuple[str, str]) -> Path:
    model = tiny().model
    adapted = get_peft_model(model, LoraConfig(r=rank, use_dora=True, target_modules=list(names)))
    stirred(adapted)
    adapted.save_pretrained(folder)
    return folder


def test_an_adapter_that_peft_saved_loads_with_every_tensor(tmp_path: Path):
    folder = saved_by_peft(tmp_path, 4, ("q_proj", "v_proj"))
    network = tiny(adapter={**DORA, "pretrained": str(folder)})
    loaded = [one for name, one in network.named_parameters() if "lora_B" in name]
    assert len(loaded) == 8
    assert all(one.abs().max() > 0 for one in loaded)


@pytest.mark.parametrize(
    ("rank", "names"),
    [
        pytest.param(2, ("q_proj", "v_proj"), id="of another rank"),
        pytest.param(4, ("q_proj", "k_proj"), id="of other projections"),
    ],
)
def test_an_adapter_that_does_not_match_is_refused(
    rank: int, names: tuple[str, str], tmp_path: Path
):
    folder = saved_by_peft(tmp_path, rank, names)
    with pytest.raises(ConfigError, match=r"tensors do not match: backbone\.encoder\.layer\.0"):
        tiny(adapter={**DORA, "pretrained": str(folder)})


def test_what_cannot_be_adapted_is_refused_in_one_line(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"rank=\[4, 2\]: expected one number, or 4"):
        tiny(adapter={"rank": [4, 2]})
    with pytest.raises(ConfigError, match=r"adapter\.rank=-1"):
        tiny(adapter={"rank": -1})
    with pytest.raises(ConfigError, match=r"dora=True.*rank=None makes none"):
        tiny(adapter={"dora": True})
    with pytest.raises(ConfigError, match=r"pretrained=true: name a folder"):
        tiny(adapter={**DORA, "pretrained": True})
    with pytest.raises(ConfigError, match="Sequential has no attention"):
        adapt(nn.Sequential(nn.Linear(2, 2)), rank=4)
    with pytest.raises(UserError, match=r"no file .*adapter_model\.safetensors"):
        tiny(adapter={**DORA, "pretrained": str(tmp_path)})
