"""The files that a run reads, by option: no output may be or contain one of them."""

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError

PATHS = ("root", "rig", "lists", "folder", "checkpoint", "predictions")  # options that name files


def data_inputs(data: DictConfig) -> dict[str, object]:
    """The paths in a data set's configuration; none where one must still be given."""
    try:
        plain: Any = OmegaConf.to_container(data, resolve=True)
    except InterpolationToMissingValueError:  # reported when the data are opened
        return {}
    return {name: value for name, value in _leaves("data", plain) if _is_path(name, value)}


def _is_path(name: str, value: object) -> bool:
    return isinstance(value, str) and value != "???" and name.rpartition(".")[2] in PATHS


def _leaves(name: str, value: Any) -> list[tuple[str, object]]:
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return [(name, value)]
    return [leaf for key, one in value.items() for leaf in _leaves(f"{name}.{key}", one)]
