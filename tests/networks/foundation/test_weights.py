"""Weights of the hub, a folder or a file; and none."""

import logging
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import BACKBONE, DEPTH_ANYTHING, tiny

from m3depth.errors import ConfigError, UserError

SHALLOW = {**DEPTH_ANYTHING, "fusion_hidden_size": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As transformers saves a model: with the hub's own, older names."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(7)
    tiny().model.save_pretrained(folder)
    return folder


def expected() -> dict[str, torch.Tensor]:
    torch.manual_seed(7)
    return tiny().model.state_dict()


@pytest.mark.parametrize("name", ["", "model.safetensors"])
def test_the_hub_s_own_layout_loads_with_no_difference(
    folder: Path, name: str, caplog: pytest.LogCaptureFixture
):
    names = load_file(folder / "model.safetensors")
    assert "backbone.encoder.layer.0.attention.attention.query.weight" in names
    with caplog.at_level(logging.INFO):
        found = tiny(pretrained=str(folder / name)).model.state_dict()
    for key, value in expected().items():
        assert torch.equal(found[key], value), key
    assert "weights of somebody/depth-model: licence of somebody" in caplog.text


def test_weights_that_do_not_fit_are_refused_with_the_first_names(folder: Path):
    with pytest.raises(ConfigError, match=r"DepthAnything.*another shape: head\.conv1\.bias, "):
        tiny(pretrained=str(folder / "model.safetensors"), architecture=SHALLOW)
    deeper = {"backbone_config": {**BACKBONE, "num_hidden_layers": 5}}
    with pytest.raises(ConfigError, match=r"are missing .*layer\.4\.attention"):
        tiny(pretrained=str(folder), architecture={**DEPTH_ANYTHING, **deeper})


def test_weights_without_use_are_told(folder: Path, caplog: pytest.LogCaptureFixture):
    shallower = {**BACKBONE, "num_hidden_layers": 3, "out_indices": [0, 1, 2, 3]}
    tiny(pretrained=str(folder), architecture={**DEPTH_ANYTHING, "backbone_config": shallower})
    assert "18 tensors are not used: backbone.encoder.layer.3" in caplog.text


@pytest.mark.parametrize("pretrained", [True, "nobody/nothing", "no/such/file.safetensors"])
def test_no_network_and_no_weights_is_one_line_with_the_file_to_get(
    pretrained: bool | str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError) as refused:
        tiny(pretrained=pretrained)
    assert "https://huggingface.co/somebody/depth-model/resolve/main/model.safetensors" in str(
        refused.value
    )
    assert "\n" not in str(refused.value)


def test_what_names_no_weights_is_refused():
    with pytest.raises(ConfigError, match=r"network\.pretrained='': expected true \(the hub\)"):
        tiny(pretrained="")


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path):
    damaged = tmp_path / "model.safetensors"
    damaged.write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be read"):
        tiny(pretrained=str(damaged))
    save_file({"a": torch.ones(1)}, damaged)
    with pytest.raises(ConfigError, match="does not fit"):
        tiny(pretrained=str(damaged))


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigError, match=r"pip install 'm3depth\[foundation\]'"):
        tiny()


@pytest.mark.parametrize(
    "architecture",
    [
        {"model_type": "no_such_model"},
        {"model_type": "bert"},
        {**DEPTH_ANYTHING, "depth_estimation_type": "both"},
    ],
)
def test_an_architecture_of_no_depth_model_is_refused(architecture: dict[str, object]):
    with pytest.raises(ConfigError, match=r"network\.architecture"):
        tiny(architecture=architecture)
