"""Layers that an adapter changes: their names in state dicts, and merging them for inference."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

INSIDE = ".base_layer."  # peft's, before the names of the weights that it adapts
MAGNITUDE = ".lora_magnitude_vector.default.weight"


def keep_names(network: Any) -> None:
    """Give an adapted layer's own weights the names in state dicts that they have without adapter.

    So a training with adapters begins from a checkpoint without (``network.start=``), and the other
    way round.
    """
    network.register_state_dict_post_hook(_as_without)
    network.register_load_state_dict_pre_hook(_as_adapted)


def merge(network: nn.Module) -> None:
    """Add every adapter to the weights that it adapts, for good: the same depth in less time."""
    for place, module in list(network.named_modules()):
        for name, part in list(module.named_children()):
            if hasattr(part, "get_base_layer") and hasattr(part, "merge"):
                part.merge(safe_merge=True)
                setattr(network.get_submodule(place), name, part.get_base_layer())


def _as_without(_: nn.Module, state: dict[str, Tensor], prefix: str, *__: object) -> None:
    named = [(k.replace(INSIDE, ".") if k.startswith(prefix) else k, v) for k, v in state.items()]
    state.clear()
    state.update(named)


def _as_adapted(network: nn.Module, state: dict[str, Any], prefix: str, *_: object) -> None:
    for name, layer in _adapted(network):
        place = f"{prefix}{name}"
        for part, _one in layer.get_base_layer().named_parameters():
            if f"{place}.{part}" in state:
                state[f"{place}{INSIDE}{part}"] = state.pop(f"{place}.{part}")
        weight = state.get(f"{place}{INSIDE}weight")
        if weight is not None and layer.lora_magnitude_vector:
            # an adapter that has learned nothing yet has the magnitudes of what it adapts
            state.setdefault(f"{place}{MAGNITUDE}", weight.norm(dim=1))


def _adapted(network: nn.Module) -> Iterator[tuple[str, Any]]:
    for name, module in network.named_modules():
        if hasattr(module, "get_base_layer"):
            yield name, module
