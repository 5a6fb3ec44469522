"""What a network is made of: the configuration that names its class and options."""

from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from pydoc import locate
from typing import Any

from hydra.utils import instantiate
from torch import nn

START = "start"  # beside ``_target_``: the checkpoint that its training begins from


def built(options: Any) -> nn.Module:
    """The network, its weights not yet those that it begins from (`begin`)."""
    network: nn.Module = instantiate(without_start(options))
    return network


def what_makes(part: str, config: dict[str, Any]) -> Any:
    """The configuration that makes a part of the system."""
    own = config.get("system", {})
    return own[part] if part in own else config[part]


def without_pretraining(options: Any) -> Any:
    """The weights come from the checkpoint: fetching ImageNet's first would be for nothing."""
    if not isinstance(options, dict):
        return options
    return {
        name: False if name == "pretrained" else without_pretraining(value)
        for name, value in options.items()
    }


def of_modules_alone(options: object) -> bool:
    """Whether Hydra would call classes of modules only: a checkpoint may be a stranger's.

    Ours are resolved, so that an interpolation, which Hydra would resolve later, is not ours.
    """
    if isinstance(options, list):
        return all(map(of_modules_alone, options))
    if not isinstance(options, dict):
        return "${" not in str(options)
    called = locate(str(options["_target_"])) if "_target_" in options else nn.Module
    known = isinstance(called, type) and issubclass(called, nn.Module)
    return known and all(map(of_modules_alone, options.values()))


def without_start(options: Any) -> Any:
    """The configuration of a module, as its constructor takes it."""
    if not isinstance(options, dict):
        return options
    ours = _is_ours(options)
    return {k: without_start(v) for k, v in options.items() if not (ours and k == START)}


def starts(options: Any, at: str = "") -> Iterator[tuple[str, Path]]:
    """(module inside the one that ``options`` make, "" for itself; checkpoint to begin it from).

    >>> list(starts({"start": None, "inner": {"start": "best.ckpt"}}))
    [('inner', PosixPath('best.ckpt'))]
    """
    if not isinstance(options, dict):
        return
    for name, value in options.items():
        if name != START:
            yield from starts(value, f"{at}.{name}".lstrip("."))
        elif value and _is_ours(options):
            yield at, Path(value)


def _is_ours(options: dict[str, Any]) -> bool:
    """Whether ``start`` is not an option of the constructor's own."""
    made = locate(str(options.get("_target_")))
    return not callable(made) or START not in signature(made).parameters
