"""The files that a run reads, by option: no output may be or contain one of them."""

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationToMissingValueError

from m3depth.cli.changes import leaves

PATHS = ("root", "rig", "lists", "folder", "checkpoint", "predictions")  # options that name files


def data_inputs(data: DictConfig) -> dict[str, object]:
    """The paths in a data set's configuration; none where one must still be given."""
    try:
        plain: Any = OmegaConf.to_container(data, resolve=True)
    except InterpolationToMissingValueError:  # reported when the data are opened
        return {}
    given = leaves("data", plain, of_lists=True)
    named = {name: value for name, value in given if name.rpartition(".")[2] in PATHS}
    return {name: one for name, one in named.items() if isinstance(one, str) and one != "???"}
