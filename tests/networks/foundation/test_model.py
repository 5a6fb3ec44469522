"""Depth models of transformers as networks of ours."""

import copy
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from tiny import BACKBONE, METRIC, tiny
from torch import nn

from m3depth.errors import ConfigError
from m3depth.networks.configuration import built, of_modules_alone
from m3depth.networks.contract import require_depth_maps
from m3depth.networks.heads.bins import MetricBins
from m3depth.networks.heads.sigmoid import SigmoidDepth
from m3depth.networks.metric import Metric
from m3depth.types import Kind, Scale

CONF = str(Path(__file__).parents[3] / "conf")
PUBLISHED = {
    "depth_anything_v2_small": 24_785_089,
    "depth_anything_v2_base": 97_470_785,
    "depth_anything_v2_large": 335_315_649,
    "depth_anything_v2_metric_small": 24_785_089,
    "depth_anything_v2_metric_base": 97_470_785,
    "depth_anything_v2_metric_large": 335_315_649,
}
BINS = partial(MetricBins, bins=8, embedding=8)


def outline(name: str, *overrides: str) -> nn.Module:
    """Of a configured network: shapes alone."""
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", [f"network={name}", "network.pretrained=false", *overrides])
    options = OmegaConf.to_container(config.network)
    assert of_modules_alone(options)
    with torch.device("meta"):
        return built(options)


def count(network: nn.Module, trained: bool = False) -> int:
    own = [one for name, one in network.named_parameters() if not name.startswith("head.")]
    return sum(one.numel() for one in own if one.requires_grad or not trained)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_model_has_the_published_number_of_parameters(name: str):
    assert count(outline(name)) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "millions"),
    [("midas_dpt_large", 343), ("midas_swin2_tiny", 41), ("zoedepth", 345), ("depth_pro", 952)],
)
def test_the_other_models_have_the_size_that_is_published(name: str, millions: int):
    assert round(count(outline(name)) / 1e6) == millions


def test_dora_of_rank_14_trains_267264_parameters_beside_the_heads():
    network = outline("depth_anything_v2_small", "network/adapter=dora", "network/head=bins")
    own_head = sum(one.numel() for one in network.model.head.parameters())
    assert count(network, trained=True) - own_head == 267_264


class Sees(nn.Module):
    """In place of a model: the depth is what it sees, patch by patch or pixel by pixel."""

    def __init__(self, patch: int) -> None:
        super().__init__()
        self.patch = patch

    def forward(self, pixel_values: torch.Tensor) -> SimpleNamespace:
        grey = pixel_values.mean(1, keepdim=True)
        patches = nn.functional.avg_pool2d(grey, self.patch)
        back = nn.functional.interpolate(
            patches, pixel_values.shape[-2:], mode="bilinear", align_corners=False
        )
        return SimpleNamespace(predicted_depth=back[:, 0])


@pytest.mark.parametrize("size", [(70, 98), (50, 66), (100, 131), (256, 320)])
@pytest.mark.parametrize("patch", [1, 14])
def test_a_ramp_comes_back_at_its_size_and_place(size: tuple[int, int], patch: int):
    height, width = size
    network = tiny(mean=[0.0] * 3, std=[1.0] * 3)
    network.model = Sees(patch)
    across = torch.arange(width).expand(1, 3, height, width)
    down = torch.arange(height)[:, None].expand(1, 3, height, width)
    for ramp in (across.float(), down.float()):
        found = network(ramp)[0].values
        assert found.shape == (1, 1, *size)
        inner = (..., slice(14, -14), slice(14, -14))  # beyond it, patches have no neighbours
        off = (found - ramp[:, :1])[inner].abs().max()
        assert off < 1.4, f"{off:.2f} pixels, a tenth of a patch is 1.4"


@pytest.mark.parametrize("size", [(28, 42), (31, 45), (14, 100), (20, 20)])
def test_any_size_comes_back(size: tuple[int, int]):
    image = torch.rand(2, 3, *size)
    found = tiny()(image)
    require_depth_maps(found, image)
    assert (found[0].kind, found[0].scale) == (Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT)


def test_images_are_normalised():
    network = tiny(mean=[0.1, 0.2, 0.3], std=[0.5, 0.25, 2.0])
    image = torch.tensor([0.6, 0.45, 1.3])[None, :, None, None].expand(1, 3, 14, 28)
    expected = torch.tensor([1.0, 1.0, 0.5])[None, :, None, None].expand(1, 3, 14, 28)
    torch.testing.assert_close(network.input(image), expected)


def test_metres_become_millimetres():
    network = tiny(architecture=METRIC, kind="depth", scale="metric", unit_mm=1000).eval()
    image = torch.rand(1, 3, 28, 42)
    with torch.no_grad():
        found, metres = network(image)[0], network.model(network.input(image)).predicted_depth
    torch.testing.assert_close(found.depth_mm()[:, 0], 1000 * metres)
    assert (found.values > 0).all()
    assert (found.values < 20_000).all()


DPT = {
    "model_type": "dpt",
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
    "backbone_out_indices": [0, 1, 2, 3],
    "neck_hidden_sizes": [8, 8, 8, 8],
    "fusion_hidden_size": 8,
}
ZOE = {
    "model_type": "zoedepth",
    "neck_hidden_sizes": [8, 8, 8, 8],
    "fusion_hidden_size": 8,
    "bottleneck_features": 8,
    "bin_embedding_dim": 8,
    "num_relative_features": 8,
    "bin_configurations": [{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0}],
    "backbone_config": {
        "model_type": "beit",
        "image_size": 64,
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "use_relative_position_bias": True,
        "reshape_hidden_states": False,
        "out_features": ["stage1", "stage2", "stage3", "stage4"],
    },
}
VIT = {**BACKBONE, "image_size": 32, "patch_size": 8}
DEPTH_PRO = {
    "model_type": "depth_pro",
    "patch_size": 32,
    "fusion_hidden_size": 8,
    "intermediate_hook_ids": [1, 0],
    "intermediate_feature_dims": [8, 8],
    "scaled_images_feature_dims": [8, 8, 8],
    "merge_padding_value": 1,
    "use_fov_model": True,
    **{f"{one}_model_config": VIT for one in ("image", "patch", "fov")},
}
for each in ("image", "patch", "fov"):
    DEPTH_PRO[f"{each}_model_config"] = {
        name: value for name, value in VIT.items() if name not in ("out_indices", "apply_layernorm")
    } | {"reshape_hidden_states": True}
METRIC_KIND = {"kind": "depth", "scale": "metric", "unit_mm": 1000}
FAMILIES: dict[str, dict[str, Any]] = {
    "depth_anything": {},
    "dpt": {"architecture": DPT, "size": [32, 32]},
    "zoedepth": {"architecture": ZOE, "multiple": 32, **METRIC_KIND},
    "depth_pro": {
        "architecture": DEPTH_PRO,
        "size": [128, 128],
        **{**METRIC_KIND, "kind": "inverse_depth"},
    },
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_its_depth_and_feeds_a_head_of_ours(family: str):
    image = torch.rand(1, 3, 40, 52)
    own = tiny(**FAMILIES[family])
    require_depth_maps(own(image), image)
    stages = (2, 2, 1, 1, 1) if family == "depth_pro" else (2, 2, 1, 1)
    network = tiny(**FAMILIES[family], head=partial(BINS, attractors=stages))
    depth = network(image)[0]
    require_depth_maps((depth,), image)
    assert (depth.kind, depth.scale) == (Kind.DEPTH, Scale.METRIC)
    depth.values.mean().backward()
    assert all(one.grad is not None for one in network.head.parameters())
    assert next(network.model.parameters()).grad is not None


def test_depth_pro_s_inverse_depth_is_of_the_focal_length_that_it_estimates():
    network = tiny(**FAMILIES["depth_pro"]).eval()
    canonical = torch.full((1, 1, 1), 0.5)
    degrees = torch.tensor([90.0])  # the focal length is half of the width
    seen = SimpleNamespace(predicted_depth=canonical, field_of_view=degrees)
    network.model.forward = lambda pixel_values: seen
    depth = network(torch.rand(1, 3, 20, 20))[0].to(Kind.DEPTH)
    torch.testing.assert_close(depth.values, torch.full((1, 1, 20, 20), 1000.0))


def test_a_network_and_its_copy_do_not_share_what_they_see():
    network = tiny(head=BINS)
    network(torch.rand(1, 3, 28, 28))[0].values.mean().backward()
    twin = copy.deepcopy(network)
    for one in twin.parameters():
        nn.init.zeros_(one.data)
    image = torch.rand(1, 3, 28, 28)
    with torch.no_grad():
        before = network(image)[0].values
        twin(image)
        assert torch.equal(network(image)[0].values, before)


def test_a_head_is_the_same_in_the_model_and_about_it():
    """`Metric` is the way for the weights of a training of ours."""
    inside = tiny(head=BINS).eval()
    about = Metric(tiny(), BINS, encoder_rate=0.1).eval()
    about.head.load_state_dict(inside.head.state_dict())
    about.network.model.load_state_dict(inside.model.state_dict())
    image = torch.rand(1, 3, 31, 45)
    with torch.no_grad():
        assert torch.equal(about(image)[0].values, inside(image)[0].values)
    (group,) = about.own_rates()
    assert list(map(id, group["params"])) == list(map(id, about.network.encoder.parameters()))


def test_gradient_checkpointing_changes_memory_and_not_gradients(monkeypatch: pytest.MonkeyPatch):
    plain = tiny(architecture=METRIC, kind="depth", scale="metric")
    saving = tiny(architecture=METRIC, kind="depth", scale="metric", gradient_checkpointing=True)
    saving.load_state_dict(plain.state_dict())
    image = torch.rand(1, 3, 28, 42)
    kept = []
    for network in (plain, saving):
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda one, sizes=sizes: sizes.append(one.numel()) or one, lambda one: one
        ):
            loss = network(image)[0].values.mean()
        loss.backward()
        kept.append(sum(sizes))
    assert kept[1] < 0.8 * kept[0]
    for one, other in zip(plain.parameters(), saving.parameters(), strict=True):
        if one.grad is not None:
            torch.testing.assert_close(other.grad, one.grad)


def test_only_the_encoder_has_a_rate_of_its_own():
    network = tiny(head=partial(SigmoidDepth), encoder_rate=0.1)
    (group,) = network.own_rates()
    assert group["rate"] == 0.1
    own = {id(one) for one in network.model.backbone.parameters()}
    assert {id(one) for one in group["params"]} == own
    assert not tiny().own_rates()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "deepness"}, "deepness.* is not a valid Kind"),
        ({"encoder_rate": -1}, r"encoder_rate=-1"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, object], words: str):
    with pytest.raises(ConfigError, match=words):
        tiny(**options)
