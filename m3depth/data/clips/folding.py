"""Clips as a batch of single frames, for what looks at one frame at a time."""

from typing import Any, cast

from torch import Tensor

from m3depth.types import StereoBatch


def frames_of_clips(batch: StereoBatch) -> StereoBatch:
    """(b, t, ...) to (b·t, ...), a clip's frames in order; each has its clip's key."""
    length = batch["left"].shape[1]
    return cast(StereoBatch, {name: _folded(value, length) for name, value in batch.items()})


def _folded(value: Any, length: int) -> Any:
    if isinstance(value, tuple):
        return type(value)(*(_folded(one, length) for one in value))
    if isinstance(value, Tensor):
        return value.flatten(0, 1)
    return [one for one in value for _ in range(length)]  # a text of each clip
