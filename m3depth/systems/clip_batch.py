"""A batch of clips, (b, t, ...), taken apart into its frames, each a batch of its own."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor

from m3depth.data.ignore import Ignore
from m3depth.types import StereoBatch


def frames_of(clips: StereoBatch) -> list[StereoBatch]:
    """Every frame in order of time; what is said of the clip as a whole goes with each of them."""
    return [_at(clips, index) for index in range(clips["left"].shape[1])]


def target_of(clips: StereoBatch) -> StereoBatch:
    """The frame in the middle, which ``key`` names."""
    return _at(clips, clips["left"].shape[1] // 2)


def ignored(clips: StereoBatch, ignore: Ignore) -> StereoBatch:
    """With what misleads marked in every frame, beside what is marked already."""
    if not ignore.parts:
        return clips
    marks = torch.stack([ignore(frame)["ignore"] for frame in frames_of(clips)], 1)
    return {**clips, "ignore": marks | clips["ignore"] if "ignore" in clips else marks}


def left_alone(clips: StereoBatch) -> StereoBatch:
    """Without the right views: a mirrored left one is then not swapped with another."""
    left = {name: v for name, v in clips.items() if name not in ("right", "tool_right")}
    if "ignore" in clips:
        left["ignore"] = clips["ignore"][:, :, :1]
    return cast(StereoBatch, left)


def _at(clips: StereoBatch, index: int) -> StereoBatch:
    found = {name: _part(value, index) for name, value in cast(Mapping[str, Any], clips).items()}
    return cast(StereoBatch, found)


def _part(value: Any, index: int) -> Any:
    """Of a field; a camera or a label field by field."""
    if isinstance(value, Tensor):
        return value[:, index]
    if isinstance(value, tuple):
        return type(value)(*(_part(one, index) for one in value))
    return value
