"""What Lightning and torch would only find out when a run is under way."""

import copy
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn
from torch.utils.data import Dataset

from m3depth.check.require_fit import mode_of
from m3depth.data.module import StereoData
from m3depth.errors import ConfigError, DataError
from m3depth.evaluation.point_sample import evenly
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.memory import image_bytes, pass_bytes, require_images, require_memory
from m3depth.networks.contract import require_depth_maps
from m3depth.systems.base import System
from m3depth.types import StereoBatch
from m3depth.validation import require_name, require_number, require_size, require_switch

# Geometry in half precision is off by millimetres, and kornia takes no other than float32
PRECISIONS = ("32-true", "32", "16-mixed", "16", "bf16-mixed", "bf16")
# The least of each; Lightning checks them only when the run has begun
COUNTS = {"log_every_n_steps": 0, "check_val_every_n_epoch": 1, "accumulate_grad_batches": 1}
LENGTHS = ("max_epochs", "max_steps")  # -1 is without end
LOOKED_AT = 3  # test frames


def require_options(plain: Mapping[str, Any]) -> None:
    """Stop (`ConfigError`) at wrong settings, at too many processes and at too large images."""
    mode_of(plain.get("check", "error"))
    for switch in ("compile", "flip"):
        require_switch(switch, plain[switch])
    require_number("seed", plain["seed"], 0, 2**32 - 1, whole=True)
    require_name(plain["name"])
    _require_trainer(plain["trainer"])
    _require_room_for_pairs(plain["data"])


def _require_trainer(options: Mapping[str, Any]) -> None:
    counts = COUNTS | {name: 1 for name in LENGTHS if options.get(name) != -1}
    for name, least in counts.items():
        if options.get(name) is not None:
            require_number(f"trainer.{name}", options[name], least, whole=True)
    precision = options.get("precision", "32-true")
    if str(precision) not in PRECISIONS:
        raise ConfigError(
            f"trainer.precision={precision}: the losses need float32; 32-true, 16-mixed, bf16-mixed"
        )
    if options.get("gradient_clip_val") is not None:
        require_number("trainer.gradient_clip_val", options["gradient_clip_val"], 0)
    devices, cores = options.get("devices"), os.cpu_count() or 1
    on_cpu = options.get("accelerator") == "cpu"
    if on_cpu and isinstance(devices, int) and devices > cores:
        raise ConfigError(f"trainer.devices={devices}: this machine has {cores} cores")


def _require_room_for_pairs(data: Mapping[str, Any]) -> None:
    """Before the first image is made."""
    size, pairs = require_size("data.size", data.get("size")), data.get("batch_size", 1)
    require_number("data.batch_size", pairs, 1, whole=True)
    require_images(size, 2)
    batch = f"data.batch_size={pairs} of data.size={list(size)}"
    require_memory(batch, image_bytes(size, 2 * pairs))


def try_network(network: nn.Module, data: StereoData, protocols: Sequence[Protocol]) -> None:
    """Run a training's pass on shapes alone.

    Raises:
        ConfigError: the images are too small for it, it does not fit into memory, or a protocol
            that is to score it in the end does not score what it gives.
    """
    images = min(data.batch_size, len(data.train))  # type: ignore[arg-type]
    batch = f"data.batch_size={images} of data.size={list(data.size)}"
    device = "cuda" if next(network.parameters()).is_cuda else "cpu"
    require_memory(batch, pass_bytes(network, data.size, images, kept=True) // 2, device)  # mixed
    shapes = copy.deepcopy(network).to("meta").train()
    try:
        found = shapes(torch.empty(images, 3, *data.size, device="meta"))
    except ValueError as error:  # batch normalisation of single values
        raise ConfigError(
            f"{batch}: too little for the network ({error}); larger images, more of them, or "
            "network.frozen_statistics=true with pretrained weights"
        ) from error
    except (RuntimeError, NotImplementedError):  # it looks at values, and there are only shapes
        return
    require_depth_maps(found, torch.empty(images, 3, *data.size, device="meta"))
    for protocol in protocols:
        if why := protocol.refusal(found[0].scale):
            raise ConfigError(f"the network's depth is relative, and {why}")


def require_truth_in_range(test: Dataset[StereoBatch], protocol: Protocol) -> None:
    """Look at a few test frames, by which the run is to be scored in the end.

    Raises:
        ConfigError: their depth is known, and the protocol counts none of it.
    """
    ends: list[tuple[float, float]] = []
    for place in evenly(len(test), LOOKED_AT).tolist():  # type: ignore[arg-type]
        with suppress(DataError):  # told when it is scored
            truth = Truth.of(as_batch(test[place]))
            if truth is None or not truth.counts.any():
                continue
            known = truth.depth_mm[truth.counts]
            if protocol.in_range(known).any():
                return
            ends.append((float(known.min()), float(known.max())))
    if ends:
        least, most = min(one for one, _ in ends), max(one for _, one in ends)
        name = f"protocol.{protocol.name}"
        raise ConfigError(
            f"protocol {protocol.name} counts {protocol.range}, and test frames are {least:.0f} to "
            f"{most:.0f} mm away: none would be scored; give {name}.max_mm= or {name}.min_mm="
        )


def try_optimizer(system: System) -> None:
    """Stop (`ConfigError`) at a wrong option; Lightning makes both only once data are loaded."""
    try:
        optimizer = system.make_optimizer(system.parameters())
        system.make_scheduler(optimizer, 10)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"optimizer or scheduler: {error}; see their options") from error


def require_monitors(config: DictConfig, system: System) -> None:
    """Stop (`ConfigError`) at a name that is not logged; Lightning would after the first epoch."""
    for name, callback in config.callbacks.items():
        monitor = callback and callback.get("monitor")
        if monitor is not None and monitor not in system.monitors:
            raise ConfigError(
                f"callbacks.{name}.monitor={monitor} is never logged; choose "
                f"{', '.join(system.monitors)}"
            )
