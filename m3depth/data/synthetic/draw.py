"""Random numbers from seeds, and nested named tuples of tensors as batches."""

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.styles import Range

Tree = TypeVar("Tree", bound=tuple[Any, ...])
AXES = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}


def seeded(*parts: object) -> torch.Generator:
    """A generator that depends on all of ``parts`` and on nothing else."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


class Draw:
    """Random numbers in ranges."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def within(self, between: Sequence[float], *shape: int) -> Tensor:
        """Uniform numbers of a shape."""
        low, high = between
        return low + (high - low) * torch.rand(shape, generator=self.generator)

    def angle(self, *shape: int) -> Tensor:
        """Uniform angles in radian."""
        return self.within((0.0, 2 * math.pi), *shape)

    def whole(self, below: int) -> int:
        """A whole number from 0 to ``below - 1``."""
        return int(torch.randint(below, (), generator=self.generator))

    def waves(self, length_mm: Range, count: int) -> Float[Tensor, "count 2"]:
        """Wave vectors, radian per mm: any direction, lengths even in the logarithm."""
        length = self.within((math.log(length_mm[0]), math.log(length_mm[1])), count).exp()
        direction = self.angle(count)
        per_mm = 2 * math.pi / length
        return torch.stack([per_mm * direction.cos(), per_mm * direction.sin()], dim=-1)


def turn(axis: str, angle: Float[Tensor, "*b"]) -> Float[Tensor, "*b 3 3"]:
    """The rotation by ``angle`` in radian about the axis ``x``, ``y`` or ``z``."""
    first, second = AXES[axis]
    rotation = torch.eye(3, dtype=angle.dtype, device=angle.device).repeat(*angle.shape, 1, 1)
    rotation[..., first, first] = rotation[..., second, second] = angle.cos()
    rotation[..., first, second], rotation[..., second, first] = -angle.sin(), angle.sin()
    return rotation


def flat_turn(angle: Float[Tensor, "*b"]) -> Float[Tensor, "*b 2 2"]:
    """The rotation by ``angle`` in the plane."""
    return turn("z", angle)[..., :2, :2]


def stacked(items: Sequence[Tree]) -> Tree:
    """Scenes (or any nested named tuples of tensors) as one batch."""
    return _zipped(items, lambda tensors: torch.stack(list(tensors)))


def repeated(item: Tree, times: int) -> Tree:
    """One scene as a batch of the same."""
    return _zipped([item], lambda tensors: tensors[0].expand(times, *tensors[0].shape))


def joined(items: Sequence[Tree]) -> Tree:
    """Batches (any nested named tuples of tensors) as one batch."""
    return _zipped(items, lambda tensors: torch.cat(list(tensors)))


def _zipped(items: Sequence[Tree], join: Callable[[Sequence[Tensor]], Tensor]) -> Tree:
    fields = zip(*items, strict=True)
    made = (join(f) if isinstance(f[0], Tensor) else _zipped(f, join) for f in fields)
    return type(items[0])(*made)
