"""From a checkpoint back to the networks that give depth and, of a video's, motion."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from m3depth.errors import UserError
from m3depth.io.torch_files import read_torch_file
from m3depth.networks import general
from m3depth.networks.configuration import built, of_modules_alone, what_makes, without_pretraining
from m3depth.networks.foundation.adapted import merge
from m3depth.networks.scale_deviation import ScaleDeviation
from m3depth.types import StereoRig

logger = logging.getLogger(__name__)


class TrainedModel(NamedTuple):
    """A network and what it was trained for."""

    network: nn.Module  # in evaluation mode, on the CPU
    size: tuple[int, int]  # (height, width) of its input
    rig: StereoRig  # of its first training pair, at ``size``
    trained_on: frozenset[str] = frozenset()  # marks of its training frames, where they are known
    deviation: ScaleDeviation | None = None  # None: of an earlier version, or it could not be found


def load_model(path: str | Path) -> TrainedModel:
    """Rebuild the network that a run saved.

    Raises:
        UserError: the file is missing, no checkpoint of m3depth, or of another network; or to make
            its network, something else than torch modules would be called.
    """
    network, _, saved = rebuilt(Path(path))
    about = saved["m3depth"]
    merge(network)
    size = (about["size"][0], about["size"][1])
    rig, trained_on = StereoRig.of(**about["rig"]), frozenset(about.get("trained_on", ()))
    told = about.get("scale_deviation")
    deviation = None if told is None else ScaleDeviation(**told)
    return TrainedModel(network.eval(), size, rig, trained_on, deviation)


def rebuilt(path: Path) -> tuple[nn.Module, str, dict[str, Any]]:
    """The network as it was trained, its name in the system, and all that the run saved.

    Raises:
        UserError: see `load_model`.
    """
    saved = read_checkpoint(path)
    about = saved["m3depth"]
    part = about.get("gives_depth", "network")  # a checkpoint of version 0.1.0 does not say
    return _part(part, saved, path), part, saved


def load_motion(path: str | Path) -> nn.Module:
    """Rebuild the motion network (`m3depth.networks.contract`) that a run saved beside depth's.

    Returns:
        It, in evaluation mode, on the CPU.

    Raises:
        UserError: as `load_model`; or the run learned no motion.
    """
    saved = read_checkpoint(Path(path))
    part = saved["m3depth"].get("gives_motion")
    if part is None:
        raise UserError(
            f"checkpoint={path}: its training learned no camera motion; take one of "
            "m3depth train system=video"
        )
    network = _part(part, saved, path)
    merge(network)
    return network.eval()


def _part(part: str, saved: dict[str, Any], path: str | Path) -> nn.Module:
    """One of the system's networks, with the weights that were saved."""
    options = without_pretraining(what_makes(part, saved["m3depth"]["config"]))
    if not of_modules_alone(options):
        raise UserError(f"checkpoint={path}: its {part} is made of more than torch's modules")
    network = built(options)
    load_weights(network, part, saved, path)
    return network


def read_checkpoint(path: Path) -> dict[str, Any]:
    """All that a run saved; what is to be known of the network that comes along is said.

    Raises:
        UserError: the file is missing, damaged or none of ours.
    """
    saved = read_torch_file(path, f"checkpoint={path}")
    about = saved.get("m3depth") if isinstance(saved, dict) else None
    if not isinstance(about, dict) or not {"config", "size", "rig"} <= about.keys():
        raise UserError(f"checkpoint={path}: not written by m3depth train")
    if path == general.FILE:
        logger.warning(general.SAID)
    checkpoint: dict[str, Any] = saved
    return checkpoint


def weights_of(part: str, saved: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors of one part of the system that was saved, by their names in that part."""
    prefix, state = f"{part}.", saved["state_dict"]
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def load_weights(network: nn.Module, part: str, saved: dict[str, Any], path: str | Path) -> None:
    """Of one part of the system that was saved; what else it has is left aside.

    Raises:
        UserError: they are of another network.
    """
    try:
        network.load_state_dict(weights_of(part, saved))
    except RuntimeError as error:
        trained = what_makes(part, saved["m3depth"]["config"])
        raise UserError(
            f"checkpoint={path}: is of another model: {trained.get('encoder', trained['_target_'])}"
            f", trained with {part}={trained}"
        ) from error
