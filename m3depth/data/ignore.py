"""What in a picture misleads a loss that compares colours: highlights, borders, overlays, tools."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.data.clips.folding import frames_of_clips
from m3depth.io.images import read_mask
from m3depth.log import warn_once
from m3depth.types import StereoBatch

ASPECT_OFF = 0.1  # training may stretch frames a little


Part = Callable[[StereoBatch], Bool[Tensor, "b v h w"]]
"""True where the left and, if there is one, the right image mislead, for one reason."""


@dataclass(frozen=True)
class Ignore:
    """Marks the pixels that no photometric term compares, for any of several reasons."""

    parts: Mapping[str, Part] = field(default_factory=dict)

    def __call__(self, batch: StereoBatch) -> StereoBatch:
        """The batch with ``ignore``, beside what it ignores already; a clip's frames one by one."""
        if not self.parts:
            return batch
        frames = frames_of_clips(batch) if batch["left"].ndim == 5 else batch
        found = torch.stack([part(frames) for part in self.parts.values()]).any(0)
        found = found.reshape(*batch["left"].shape[:-3], *found.shape[1:])
        return {**batch, "ignore": found | batch["ignore"] if "ignore" in batch else found}


@dataclass(frozen=True)
class Highlights:
    """Specular highlights, which move with the lens and not with the tissue.

    A highlight is white light on top of the tissue's colour, so it shows in the channel that
    tissue reflects least: there it is bright, or much brighter than what is around it.

    Attributes:
        level: the darkest channel of a highlight, 0 to 1.
        contrast: or how far it rises above the mean around it.
        around: that mean is taken over squares of this side, share of the width, and blends.
        grow: share of the width that a highlight is widened by, for its blurred rim.
    """

    level: float = 0.75
    contrast: float = 0.2
    around: float = 0.15
    grow: float = 0.006

    def __call__(self, batch: StereoBatch) -> Bool[Tensor, "b v h w"]:
        """True on highlights and their rims."""
        least = _views(batch).amin(2)  # (b, v, h, w)
        height, width = least.shape[-2:]
        down, across = (max(1, round(side / (self.around * width))) for side in (height, width))
        coarse = functional.adaptive_avg_pool2d(least, (down, across))
        around = functional.interpolate(coarse, (height, width), mode="bilinear")
        bright = (least > self.level) | (least - around > self.contrast)
        return grown(bright, round(self.grow * width))


@dataclass(frozen=True)
class BlackBorder:
    """What lies outside a round or a smaller picture: black from an edge of the frame inwards.

    Attributes:
        level: the brightest channel of what is black, 0 to 1.
    """

    level: float = 0.04

    def __call__(self, batch: StereoBatch) -> Bool[Tensor, "b v h w"]:
        """True where everything up to one edge, along the row or the column, is black."""
        black = (_views(batch).amax(2) <= self.level).to(torch.uint8)
        reached = [_up_to_here(black, axis, end) for axis in (-1, -2) for end in (False, True)]
        return torch.stack(reached).any(0)


@dataclass(frozen=True)
class Overlay:
    """What the device draws over every frame: text, a logo, a frame.

    Attributes:
        file: a picture of the frame's shape, not black where something is drawn in either view.
    """

    file: str

    def __call__(self, batch: StereoBatch) -> Bool[Tensor, "b v h w"]:
        """True where the file says so, in both views."""
        left = batch["left"]
        drawn, given = self._drawn.shape[-2:], left.shape[-2:]
        if abs(drawn[0] * given[1] / (drawn[1] * given[0]) - 1) > ASPECT_OFF:
            warn_once(
                f"{self.file}: {drawn[1]}x{drawn[0]} is not of the shape of the frames, "
                f"{given[1]}x{given[0]} as trained on: draw it on a whole frame"
            )
        mask = functional.adaptive_max_pool2d(self._drawn, left.shape[-2:]) > 0
        return mask.to(left.device).expand(len(left), 2 if "right" in batch else 1, -1, -1)

    @cached_property
    def _drawn(self) -> Float[Tensor, "1 H W"]:
        return read_mask(Path(self.file)).float()


def tools(batch: StereoBatch) -> Bool[Tensor, "b v h w"]:
    """True on instruments, where the samples carry masks of them."""
    if "tool" not in batch:
        warn_once("tools are not ignored: the data set has no tool masks")
    none = torch.zeros_like(batch["left"][:, :1], dtype=torch.bool)
    views = [batch.get("tool", none)]
    if "right" in batch:
        views.append(batch.get("tool_right", none))
    return torch.cat(views, dim=1)


def grown(mask: Bool[Tensor, "b c h w"], by_px: int) -> Bool[Tensor, "b c h w"]:
    """The mask, ``by_px`` wider in every direction, corners included."""
    return functional.max_pool2d(mask.float(), 2 * by_px + 1, stride=1, padding=by_px) > 0


def _views(batch: StereoBatch) -> Float[Tensor, "b v 3 h w"]:
    """The left image and, if there is one, the right."""
    both = [batch["left"], batch["right"]] if "right" in batch else [batch["left"]]
    return torch.stack(both, dim=1)


def _up_to_here(black: Tensor, axis: int, from_the_end: bool) -> Tensor:
    ordered = black.flip(axis) if from_the_end else black
    reached = ordered.cumprod(axis)
    return (reached.flip(axis) if from_the_end else reached) > 0
