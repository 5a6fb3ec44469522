"""What Lightning and torch would only find out when a run is under way."""

import copy
import os
from collections.abc import Iterable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import nn

from m3depth.data.module import StereoData
from m3depth.errors import ConfigError
from m3depth.memory import image_bytes, pass_bytes, require_images, require_memory
from m3depth.validation import require_number, require_size

# Geometry in half precision is off by millimetres, and kornia takes no other than float32
PRECISIONS = ("32-true", "32", "16-mixed", "16", "bf16-mixed", "bf16")


def require_trainer(options: Mapping[str, Any]) -> None:
    """Stop at what the losses cannot have, at more processes than cores, and at odd numbers.

    Raises:
        ConfigError: naming the setting.
    """
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


def require_room_for_pairs(data: Mapping[str, Any]) -> None:
    """Stop at images that do not fit into memory, before the first is made.

    Raises:
        ConfigError: naming the size.
    """
    size, pairs = require_size("data.size", data.get("size")), data.get("batch_size", 1)
    require_number("data.batch_size", pairs, 1, whole=True)
    require_images(size, 2)
    told = f"data.batch_size={pairs} of data.size={list(size)}"
    require_memory(told, image_bytes(size, 2 * pairs))


def require_checkpoint(callbacks: Iterable[pl.Callback]) -> None:
    """Stop where nothing of the training would be kept.

    Raises:
        ConfigError: no callback writes checkpoints.
    """
    if not any(isinstance(one, pl.callbacks.ModelCheckpoint) for one in callbacks):
        raise ConfigError(
            "callbacks: none of them writes checkpoints, so nothing would be left of the training; "
            "keep callbacks.checkpoint or callbacks.last"
        )


def try_network(network: nn.Module, data: StereoData) -> None:
    """Run a training's pass on shapes alone.

    Raises:
        ConfigError: the images are too small for it, or it does not fit into memory.
    """
    images = min(data.batch_size, len(data.train))  # type: ignore[arg-type]
    told = f"data.batch_size={images} of data.size={list(data.size)}"
    device = "cuda" if next(network.parameters()).is_cuda else "cpu"
    require_memory(told, pass_bytes(network, data.size, images, kept=True) // 2, device)  # mixed
    shapes = copy.deepcopy(network).to("meta").train()
    try:
        shapes(torch.empty(images, 3, *data.size, device="meta"))
    except ValueError as error:  # batch normalisation of single values
        raise ConfigError(
            f"{told}: too little for the network ({error}); larger images, more of them, or "
            "network.frozen_statistics=true with pretrained weights"
        ) from error
    except (RuntimeError, NotImplementedError):  # looks at values, which shapes have not
        return


def begin_loggers(loggers: Iterable[Any]) -> None:
    """Start them now, not when the first epoch has gone by.

    Raises:
        ConfigError: wandb has no key, or cannot be reached.
    """
    for one in loggers:
        if isinstance(one, pl.loggers.WandbLogger):
            import wandb

            try:
                _ = one.experiment
            except (wandb.errors.Error, OSError, ValueError) as error:
                why = " ".join(str(error).split())
                raise ConfigError(
                    f"logger=wandb: {why}; `wandb login` once, or WANDB_API_KEY=..., or "
                    "logger.wandb.offline=true, which `wandb sync` sends later"
                ) from error
