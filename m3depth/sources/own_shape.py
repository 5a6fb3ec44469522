"""A network that sees each image in the image's own shape."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from m3depth.memory import image_bytes, pass_bytes, require_memory
from m3depth.sources.network import NetworkSource
from m3depth.types import DepthMap
from m3depth.validation import require_number

Size = tuple[int, int]  # (height, width)


def shorter_to(side: int, image: Size, multiple: int = 1) -> Size:
    """The image's size with a shorter side of ``side`` pixels, to the nearest multiples.

    As the models' own processors resize: Depth Anything's ``keep_aspect_ratio`` by a lower bound.

    >>> shorter_to(518, (480, 640), 14), shorter_to(518, (1080, 1920), 14)
    ((518, 686), (518, 924))
    """
    height, width = (max(1, round(one * side / min(image) / multiple)) * multiple for one in image)
    return height, width


class OwnShape(NetworkSource):
    """`NetworkSource` whose images keep their shape.

    Args:
        network: See `NetworkSource`; of images of any size.
        shorter_side: Pixels of every image's shorter side.
        multiple: Of the sides that the network sees.
        device: See `NetworkSource`.
        batch_size: How many images every pass sees; images of another shape have a pass of their
            own.
        model: Its name, for records.
    """

    def __init__(
        self,
        network: nn.Module | Callable[[Float[Tensor, "b 3 h w"]], DepthMap],
        shorter_side: Any,
        multiple: int = 1,
        device: torch.device | str = "cpu",
        batch_size: int = 1,
        model: str = "",
    ) -> None:
        require_number("source.shorter_side", shorter_side, multiple, whole=True)
        super().__init__(network, None, device=device, batch_size=batch_size, model=model)
        self.shorter_side, self.multiple = int(shorter_side), multiple
        self._fitting: set[Size] = set()

    def size_for(self, image: Size) -> Size:
        """What the network sees of an image of this (height, width).

        Raises:
            ConfigError: a pass at that size does not fit into memory.
        """
        size = shorter_to(self.shorter_side, image, self.multiple)
        if size not in self._fitting:
            setting = f"source.shorter_side={self.shorter_side} batch_size={self.batch_size}"
            require_pass(setting, self.network, size, self.batch_size, self.device)
            self._fitting.add(size)
        return size


def require_pass(
    setting: str, network: Any, size: Size, images: int, device: torch.device | str
) -> None:
    """Stop at a pass that would not fit.

    Raises:
        ConfigError: naming the setting.
    """
    maps = pass_bytes(network, size) // 2 if isinstance(network, nn.Module) else 0  # mixed: halves
    require_memory(setting, images * (image_bytes(size) + maps), device)
