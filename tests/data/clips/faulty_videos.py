"""Videos with known faults, of built-in frames."""

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from m3depth.data.synthetic import SyntheticClip
from m3depth.data.synthetic.paths import Moving
from m3depth.errors import DataError
from m3depth.types import StereoBatch

SIZE = (64, 80)
COUNT = 12
FLOW_PX = (1.0, 10.0)


@cache
def shot(index: int) -> list[StereoBatch]:
    """A camera that moves by about 1.5 px a frame over a scene of its own."""
    options = {"deforming": False, "tools": False, "noise": False, "cache": False}
    return list(SyntheticClip("train", index, COUNT, SIZE, path=Moving(), **options))


class Video(Dataset[StereoBatch]):
    """Pictures as the frames of one video."""

    def __init__(self, pictures: Sequence[Tensor | None], name: str = "video") -> None:
        self.pictures, self.name = pictures, name

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> StereoBatch:
        picture = self.pictures[index]
        if picture is None:
            raise DataError(f"{self.name}, frame {index}: no such file")
        return {"left": picture, "key": f"{self.name}/{index:03d}"}


def pictures(index: int = 0) -> list[Tensor]:
    """Of a shot."""
    return [frame["left"] for frame in shot(index)]


def changed(which: Sequence[int], change: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """A shot with some pictures changed."""
    return [change(one) if n in which else one for n, one in enumerate(pictures())]


def interlaced(earlier: Tensor, later: Tensor) -> Tensor:
    """The even lines of one moment and the odd ones of another."""
    woven = earlier.clone()
    woven[:, 1::2] = later[:, 1::2]
    return woven


def round_picture(picture: Tensor) -> Tensor:
    """What is outside the circle is black, but for the codec's noise."""
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, SIZE[0]), torch.linspace(-1, 1, SIZE[1]), indexing="ij"
    )
    return torch.where(x**2 + y**2 < 1, picture, 0.01)


def larger(picture: Tensor) -> Tensor:
    """Twice as large."""
    return functional.interpolate(picture[None], scale_factor=2, mode="bilinear")[0]


def noisy(picture: Tensor, seed: int) -> Tensor:
    """With a sensor's noise."""
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed))
    return (picture + 0.01 * noise).clamp(0, 1)
