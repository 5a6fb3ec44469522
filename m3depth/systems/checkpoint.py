"""What a checkpoint says of its run, and of the run's progress."""

import copy
from pathlib import Path
from typing import Any, NamedTuple

from m3depth.data.module import StereoData
from m3depth.data.own_size import marks
from m3depth.data.skipping import SkipUnreadable
from m3depth.errors import ConfigError, UserError
from m3depth.networks.configuration import of_modules_alone, what_makes
from m3depth.networks.trained import load_weights, read_checkpoint
from m3depth.systems.base import System


def describe(config: dict[str, Any], system: System, data: StereoData) -> dict[str, Any]:
    """What `load_model` needs beside the weights, as plain containers.

    ``gives_depth`` and ``gives_motion`` name the parts of the system that are loaded, and
    ``config.system`` or ``config`` has by their names what makes them.

    Raises:
        ConfigError: a network that `load_model` would not make.
    """
    for part in filter(None, (system.gives_depth, system.gives_motion)):
        if not of_modules_alone(what_makes(part, config)):
            raise ConfigError(
                f"{part}: its configuration calls more than torch modules, so its checkpoints "
                "could not be loaded; make it a torch.nn.Module with plain options, or modules, "
                "alone"
            )
    rig = SkipUnreadable(data.train)[0]["rig"]
    numbers = {name: float(value.median()) for name, value in rig._asdict().items()}  # of a clip's
    return {
        "config": config,
        "gives_depth": system.gives_depth,
        "gives_motion": system.gives_motion,
        "size": list(data.size),
        "rig": numbers,
        "trained_on": sorted(set(marks(data.train))),
    }


class Progress(NamedTuple):
    """A run's progress when it wrote a checkpoint."""

    path: Path
    epochs: int  # complete ones
    steps: int
    trained_on: frozenset[str]  # see `TrainedModel`


def check_resumable(path: Path, system: System) -> Progress:
    """The progress of the run that wrote it; a `UserError` where it is of another network."""
    saved, part = read_checkpoint(path), system.gives_depth
    if "loops" not in saved:
        raise UserError(
            f"checkpoint={path}: written by m3depth adapt, which is no training to go on with; "
            f"begin one from its weights: network.start={path}"
        )
    load_weights(copy.deepcopy(getattr(system, part)), part, saved, path)
    epochs = saved["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    trained_on = frozenset(saved["m3depth"].get("trained_on", ()))
    return Progress(path, epochs, saved["global_step"], trained_on)
