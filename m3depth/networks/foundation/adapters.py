"""What of a pretrained model is trained: all, nothing, or low-rank adapters of its attention."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from m3depth.errors import ConfigError, UserError
from m3depth.networks.foundation.libraries import peft
from m3depth.networks.pretrained import read_weights
from m3depth.validation import require_number, require_switch

SAVED_BELOW = "base_model.model."  # what peft puts before the names in its files


def adapt(
    model: nn.Module,
    rank: int | Sequence[int] | None = None,
    alpha: float = 16.0,
    dropout: float = 0.0,
    dora: bool = False,
    pretrained: bool | str = False,
) -> None:
    """Leave to training what was asked for; the model's heads always are.

    Args:
        model: of transformers.
        rank: None: everything is trained. 0: the heads alone. Else the rank of an adapter of each
            query and value projection (LoRA, Hu et al. 2021), or one rank for each layer.
        alpha: an adapter counts alpha / rank.
        dropout: of what an adapter sees.
        dora: learn each weight's magnitude apart (DoRA, Liu et al. 2024).
        pretrained: a folder or a file of an adapter that peft saved.

    Raises:
        ConfigError: an option is out of range, the model has no attention with query, key and
            value projections, or the adapter is another model's.
        UserError: the adapter's file is not found, or peft is not installed.
    """
    if not rank and (dora or pretrained):
        raise ConfigError(
            f"network.adapter: dora={dora}, pretrained={pretrained} are of an adapter, and "
            f"rank={rank} makes none; choose network/adapter=dora or lora"
        )
    if rank is None:
        return
    heads = [one for name, one in model.named_children() if name.endswith("head")]
    if rank == 0:
        model.requires_grad_(False)
    else:
        _inject(model, rank, alpha, dropout, dora)
        if pretrained is True:
            raise ConfigError("network.adapter.pretrained=true: name a folder or a file of peft's")
        if pretrained:
            _load(model, Path(pretrained))
    for head in heads:
        head.requires_grad_(True)


def projections(model: nn.Module) -> list[tuple[str, str]]:
    """The names of each attention's query and value projections, first layer first.

    An attention is a module with linear parts whose names begin with q, k and v.
    """
    found = []
    for place, module in model.named_modules():
        linear = [name for name, part in module.named_children() if isinstance(part, nn.Linear)]
        query, key, value = ([name for name in linear if name.startswith(one)] for one in "qkv")
        if query and key and value:
            found.append((f"{place}.{query[0]}", f"{place}.{value[0]}"))
    return found


def _inject(
    model: nn.Module, rank: int | Sequence[int], alpha: float, dropout: float, dora: bool
) -> None:
    layers = projections(model)
    if not layers:
        raise ConfigError(
            f"network.adapter: {type(model).__name__} has no attention with linear query, key and "
            "value projections"
        )
    ranks = list(rank) if isinstance(rank, Sequence) else [rank] * len(layers)
    if len(ranks) != len(layers):
        raise ConfigError(
            f"network.adapter.rank={ranks}: expected one number, or {len(layers)}, one for each "
            "layer"
        )
    for one in ranks:
        require_number("network.adapter.rank", one, 1, whole=True)
    require_number("network.adapter.alpha", alpha, 1e-6)
    require_number("network.adapter.dropout", dropout, 0, 1)
    require_switch("network.adapter.dora", dora)
    of_name = {name: r for names, r in zip(layers, ranks, strict=True) for name in names}
    config = peft().LoraConfig(
        r=ranks[0],
        lora_alpha=alpha,
        lora_dropout=dropout,
        use_dora=dora,
        target_modules=list(of_name),
        rank_pattern={f"^{re.escape(name)}": r for name, r in of_name.items()},
    )
    peft().inject_adapter_in_model(config, model)


def _load(model: nn.Module, path: Path) -> None:
    """An adapter's weights, every one of them.

    Raises:
        ConfigError: its names or shapes are not those of the model's adapter.
        UserError: there is no such file.
    """
    file = path / "adapter_model.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"network.adapter.pretrained={path}: no file {file}")
    saved = {k.removeprefix(SAVED_BELOW): v for k, v in read_weights(file).items()}
    own: dict[str, Any] = peft().get_peft_model_state_dict(model)
    unfit = sorted(
        name
        for name in own.keys() | saved.keys()
        if name not in own or name not in saved or own[name].shape != saved[name].shape
    )
    if unfit:
        raise ConfigError(
            f"network.adapter.pretrained={path}: is of another model or rank: {len(unfit)} tensors "
            f"do not match: {', '.join(unfit[:3])}"
        )
    peft().set_peft_model_state_dict(model, saved)
