"""The device that computes."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from m3depth.errors import ConfigError


def pick_device(device: str) -> str:
    """`auto` is the GPU where there is one."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        why = str(error).splitlines()[0]
        raise ConfigError(
            f"device={device}: not available here ({why}); auto, cpu, cuda"
        ) from error
    return device


def without_autocast(like: Tensor) -> AbstractContextManager[object]:
    """Float32 stays float32 inside, also in mixed precision.

    On shapes alone ("meta"), where autocast is an error, nothing is to be done.
    """
    return nullcontext() if like.is_meta else torch.autocast(like.device.type, enabled=False)
