"""Refuses what cannot fit into memory before it is tried: the kernel only kills the process."""

import copy
import os
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from m3depth.errors import ConfigError
from m3depth.validation import require_size

Size = tuple[int, int]  # (height, width)
FLOAT = 4  # bytes
CGROUP = Path("/sys/fs/cgroup")  # what a container may have


def require_memory(setting: str, needed: float, device: torch.device | str = "cpu") -> None:
    """Stop at what would need more bytes than are free.

    Args:
        setting: As the command line has it.
        needed: The least that it takes; what it takes beside that is not known beforehand.
        device: Where.

    Raises:
        ConfigError: it does not fit.
    """
    free = free_bytes(device)
    if needed > free:
        asked, there = (f"{one / 1e9:,.1f} GB" for one in (needed, free))
        raise ConfigError(
            f"{setting}: would need {asked} of memory at least, and {there} are free; choose less"
        )


def require_images(size: object, images: int) -> None:
    """Stop at a ``data.size`` of which so many RGB images would not fit; null is the files' own.

    Raises:
        ConfigError: they do not fit, or it is no size.
    """
    if size is not None:
        asked = require_size("data.size", size)
        require_memory(f"data.size={list(asked)}", image_bytes(asked, images))


def free_bytes(device: torch.device | str = "cpu") -> float:
    """What a process may still take; all of a GPU's, as this process is to have it."""
    device = torch.device(device)
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[1])
    free = float("inf")
    with suppress(OSError, ValueError, IndexError):  # Linux counts the caches that it would drop
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = 1024 * int(next(one for one in lines if one.startswith("MemAvailable")).split()[1])
    with suppress(OSError, ValueError):
        most = int((CGROUP / "memory.max").read_text())
        free = min(free, most - int((CGROUP / "memory.current").read_text()))
    if free == float("inf"):
        with suppress(OSError, ValueError):
            free = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return free


def image_bytes(size: Size, images: int = 1) -> int:
    """Of RGB images of float32."""
    return images * 3 * size[0] * size[1] * FLOAT


def pass_bytes(network: nn.Module, size: Size, images: int = 1, kept: bool = False) -> int:
    """Of a network's maps in one pass: the least, which is its largest layer's input and output.

    Args:
        network: Images to maps; it runs on shapes alone.
        size: Of the images.
        images: In the pass.
        kept: All maps are, as in training.
    """
    layers: list[int] = []

    def count(_: nn.Module, given: tuple[object, ...], made: object) -> None:
        sizes = [one.numel() for one in (*given, made) if isinstance(one, Tensor)]
        layers.append(sizes[-1] if kept and sizes else sum(sizes))

    shapes = copy.deepcopy(network).to("meta")
    for module in shapes.modules():
        if not list(module.children()):
            module.register_forward_hook(count)
    # a network of the user's own may look at values, which there are not
    with suppress(RuntimeError, NotImplementedError, ValueError), torch.inference_mode():
        shapes(torch.empty(1, 3, *size, device="meta"))
    most = sum(layers) if kept else max(layers, default=0)
    return images * most * FLOAT
