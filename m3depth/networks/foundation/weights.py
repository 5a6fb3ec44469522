"""Where a model's weights come from: nowhere, the hub, a folder or a file."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn

from m3depth.errors import ConfigError, UserError
from m3depth.networks.foundation.libraries import transformers
from m3depth.networks.pretrained import read_weights

FILE = "model.safetensors"  # on the hub, and in a folder that transformers saved

logger = logging.getLogger(__name__)


def create_model(
    architecture: Mapping[str, Any], hub: str, licence: str, pretrained: bool | str
) -> nn.Module:
    """A depth model of transformers, with its weights.

    Args:
        architecture: ``model_type`` and the options of its configuration.
        hub: name of its weights on huggingface.co.
        licence: of these weights, which is logged when weights are loaded.
        pretrained: false (random weights), true (``hub``), another name there, a folder that
            transformers saved, or a safetensors file of it, with its names of today or of old.

    Raises:
        ConfigError: the options are none of the model's, or the weights do not fit it.
        UserError: the weights are not found.
    """
    if not isinstance(pretrained, bool | str) or pretrained == "":
        raise ConfigError(
            f"network.pretrained={pretrained!r}: expected true (the hub), false, a name there, a "
            "folder or a safetensors file"
        )
    if not pretrained:
        return _built(architecture)
    with torch.device("meta"):
        outline: Any = _built(architecture)
    name = hub if pretrained is True else pretrained
    model = _loaded(outline, read_weights(_file(name, hub)), name)
    known = name == hub or Path(name).exists()
    about = (hub, licence) if known else (name, f"see https://huggingface.co/{name}")
    logger.info("weights of %s: licence %s", *about)
    return model


def _built(architecture: Mapping[str, Any]) -> nn.Module:
    """With random weights.

    Raises:
        ConfigError: transformers has no such depth model.
    """
    library, options = transformers(), dict(architecture)
    try:
        config = library.AutoConfig.for_model(options.pop("model_type"), **options)
        model: nn.Module = library.AutoModelForDepthEstimation.from_config(config)
    except (KeyError, TypeError, ValueError, StrictDataclassError) as error:
        why = " ".join(str(error).split())
        raise ConfigError(f"network.architecture: no depth model of transformers: {why}") from error
    return model


def _file(name: str, hub: str) -> Path:
    """Of the weights; from the hub, if it is not there already.

    Raises:
        UserError: there is none.
    """
    place = Path(name) / FILE if Path(name).is_dir() else Path(name)
    if place.is_file():
        return place
    huggingface_hub.utils.logging.set_verbosity(logging.CRITICAL)  # its retries, a page of them
    try:
        return Path(huggingface_hub.hf_hub_download(name, FILE))
    except (OSError, ValueError) as error:
        raise UserError(
            f"network.pretrained={name}: neither here nor fetched from the hub "
            f"({type(error).__name__}); download https://huggingface.co/{hub}/resolve/main/{FILE} "
            "and give network.pretrained=FILE, or take random weights: network.pretrained=false"
        ) from error


def _loaded(outline: Any, weights: dict[str, Tensor], name: str) -> nn.Module:
    """The model with the weights, all of its own.

    Raises:
        ConfigError: some are missing, or have another shape.
    """
    model, found = outline.from_pretrained(
        None,
        config=outline.config,
        state_dict=weights,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    unfit = sorted({*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])})
    if unfit:
        raise ConfigError(
            f"network.pretrained={name}: does not fit {type(outline).__name__} of "
            f"network.architecture: {len(unfit)} tensors are missing or of another shape: "
            f"{', '.join(unfit[:3])}"
        )
    if unused := sorted(found["unexpected_keys"]):
        told = (name, len(unused), ", ".join(unused[:3]))
        logger.warning("network.pretrained=%s: %d tensors are not used: %s", *told)
    made: nn.Module = model
    return made
