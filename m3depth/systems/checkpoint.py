"""From a checkpoint back to a network that predicts."""

import copy
import pickle
from pathlib import Path
from typing import Any, NamedTuple

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import nn

from m3depth.data.module import StereoData
from m3depth.data.skipping import SkipUnreadable
from m3depth.errors import UserError
from m3depth.geometry.camera import StereoRig
from m3depth.systems.stereo import StereoDepth


class TrainedModel(NamedTuple):
    """A network and what it was trained for."""

    network: nn.Module  # in evaluation mode, on the CPU
    size: tuple[int, int]  # (height, width) of its input
    rig: StereoRig  # of its first training pair, at ``size``
    config: dict[str, Any]  # the run's resolved configuration


def describe(config: dict[str, Any], data: StereoData) -> dict[str, Any]:
    """What `load_model` needs beside the weights, as plain containers."""
    rig = SkipUnreadable(data.train)[0]["rig"]
    numbers = {name: float(value) for name, value in rig._asdict().items()}
    return {"config": config, "size": list(data.size), "rig": numbers}


def load_model(path: str | Path) -> TrainedModel:
    """Rebuild the network that a run saved.

    Raises:
        UserError: the file is missing, no checkpoint of m3depth, or of another network.
    """
    saved = _read(Path(path))
    about = saved["m3depth"]
    # the weights come from the checkpoint: fetching ImageNet's first would be for nothing
    options = OmegaConf.create({**about["config"]["network"], "pretrained": False})
    network = instantiate(options)
    _load_weights(network, saved, path)
    size = (about["size"][0], about["size"][1])
    return TrainedModel(network.eval(), size, StereoRig.of(**about["rig"]), about["config"])


def check_resumable(path: Path, system: StereoDepth) -> None:
    """Say so in one line if the checkpoint at ``path`` is of another network than ``system``'s."""
    _load_weights(copy.deepcopy(system.network), _read(path), path)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UserError(f"checkpoint={path}: no such file")
    try:
        saved: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"checkpoint={path}: cannot be read: {why}") from error
    about = saved.get("m3depth") if isinstance(saved, dict) else None
    if not isinstance(about, dict) or not {"config", "size", "rig"} <= about.keys():
        raise UserError(f"checkpoint={path}: not written by m3depth train")
    checkpoint: dict[str, Any] = saved
    return checkpoint


def _load_weights(network: nn.Module, saved: dict[str, Any], path: str | Path) -> None:
    prefix = "network."
    weights = {k.removeprefix(prefix): v for k, v in saved["state_dict"].items()}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        trained = saved["m3depth"]["config"]["network"]
        raise UserError(
            f"checkpoint={path}: is of another model: {trained.get('encoder', trained['_target_'])}"
            f", trained with network={trained}"
        ) from error
