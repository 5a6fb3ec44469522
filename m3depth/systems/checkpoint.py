"""From a checkpoint back to a network that predicts."""

import copy
from pathlib import Path
from pydoc import locate
from typing import Any, NamedTuple

from hydra.utils import instantiate
from torch import nn

from m3depth.data.module import StereoData
from m3depth.data.own_size import marks
from m3depth.data.skipping import SkipUnreadable
from m3depth.errors import ConfigError, UserError
from m3depth.geometry.camera import StereoRig
from m3depth.systems.base import System
from m3depth.torch_files import read_torch_file


class TrainedModel(NamedTuple):
    """A network and what it was trained for."""

    network: nn.Module  # in evaluation mode, on the CPU
    size: tuple[int, int]  # (height, width) of its input
    rig: StereoRig  # of its first training pair, at ``size``
    trained_on: frozenset[str] = frozenset()  # marks of its training frames, where they are known


def describe(config: dict[str, Any], system: System, data: StereoData) -> dict[str, Any]:
    """What `load_model` needs beside the weights, as plain containers.

    ``gives_depth`` names the part of the system that is loaded, and ``config.system`` or ``config``
    has by its name what makes it.

    Raises:
        ConfigError: a network that `load_model` would not make.
    """
    part = system.gives_depth
    if not _of_modules_alone(_makes(part, config)):
        raise ConfigError(
            f"{part}: its configuration calls more than torch modules, so its checkpoints could "
            "not be loaded; make it a torch.nn.Module with plain options, or modules, alone"
        )
    rig = SkipUnreadable(data.train)[0]["rig"]
    numbers = {name: float(value) for name, value in rig._asdict().items()}
    return {
        "config": config,
        "gives_depth": part,
        "size": list(data.size),
        "rig": numbers,
        "trained_on": sorted(set(marks(data.train))),
    }


def load_model(path: str | Path) -> TrainedModel:
    """Rebuild the network that a run saved.

    Raises:
        UserError: the file is missing, no checkpoint of m3depth, or of another network; or to make
            its network, something else than torch modules would be called.
    """
    saved = _read(Path(path))
    about = saved["m3depth"]
    part = about.get("gives_depth", "network")  # a checkpoint of version 0.1.0 does not say
    options = _without_pretraining(_makes(part, about["config"]))
    if not _of_modules_alone(options):
        raise UserError(f"checkpoint={path}: its network is made of more than torch's modules")
    network = instantiate(options)
    _load_weights(network, part, saved, path)
    size = (about["size"][0], about["size"][1])
    rig, trained_on = StereoRig.of(**about["rig"]), frozenset(about.get("trained_on", ()))
    return TrainedModel(network.eval(), size, rig, trained_on)


def _makes(part: str, config: dict[str, Any]) -> Any:
    """The configuration that makes a part of the system."""
    own = config.get("system", {})
    return own[part] if part in own else config[part]


def _without_pretraining(options: Any) -> Any:
    """The weights come from the checkpoint: fetching ImageNet's first would be for nothing."""
    if not isinstance(options, dict):
        return options
    return {
        name: False if name == "pretrained" else _without_pretraining(value)
        for name, value in options.items()
    }


def _of_modules_alone(options: object) -> bool:
    """Whether Hydra would call classes of modules only: a checkpoint may be a stranger's.

    Ours are resolved, so that an interpolation, which Hydra would resolve later, is not ours.
    """
    if isinstance(options, list):
        return all(map(_of_modules_alone, options))
    if not isinstance(options, dict):
        return "${" not in str(options)
    called = locate(str(options["_target_"])) if "_target_" in options else nn.Module
    known = isinstance(called, type) and issubclass(called, nn.Module)
    return known and all(map(_of_modules_alone, options.values()))


def saved_configuration(path: Path) -> dict[str, Any]:
    """Of the run that saved the checkpoint."""
    config: dict[str, Any] = _read(path)["m3depth"]["config"]
    return config


class Progress(NamedTuple):
    """How far a run was when it wrote a checkpoint."""

    path: Path
    epochs: int  # whole ones
    steps: int
    trained_on: frozenset[str]  # see `TrainedModel`


def check_resumable(path: Path, system: System) -> Progress:
    """How far the run was.

    Raises:
        UserError: the checkpoint is of another network than ``system``'s.
    """
    saved, part = _read(path), system.gives_depth
    _load_weights(copy.deepcopy(getattr(system, part)), part, saved, path)
    epochs = saved["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"]
    trained_on = frozenset(saved["m3depth"].get("trained_on", ()))
    return Progress(path, epochs, saved["global_step"], trained_on)


def _read(path: Path) -> dict[str, Any]:
    saved = read_torch_file(path, f"checkpoint={path}")
    about = saved.get("m3depth") if isinstance(saved, dict) else None
    if not isinstance(about, dict) or not {"config", "size", "rig"} <= about.keys():
        raise UserError(f"checkpoint={path}: not written by m3depth train")
    checkpoint: dict[str, Any] = saved
    return checkpoint


def _load_weights(network: nn.Module, part: str, saved: dict[str, Any], path: str | Path) -> None:
    prefix = f"{part}."
    state = saved["state_dict"]
    weights = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        trained = _makes(part, saved["m3depth"]["config"])
        raise UserError(
            f"checkpoint={path}: is of another model: {trained.get('encoder', trained['_target_'])}"
            f", trained with {part}={trained}"
        ) from error
