"""The device that computes."""

import torch

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
