"""From disparities to everything the losses look at, made once per scale."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from m3depth.errors import DataError
from m3depth.geometry.warp import warp
from m3depth.types import DepthMap, Disparity, Kind, Pair, StereoBatch, StereoRig

BARELY = 1e-3  # of a pixel: less of what misleads than this is rounding


@dataclass(frozen=True)
class Views:
    """One scale of a batch; every tensor is (b, c, h, w) at this scale, left and right."""

    image: Pair  # the clean images
    warped: Pair  # each view rebuilt from the other image by its own disparity
    visible: Pair  # bool: not in the blind region, the pixel falls inside the other image
    comparable: Pair  # bool: visible, and neither its colour nor the one looked up misleads
    disparity: Pair  # fraction of the width
    disparity_warped: Pair  # the other view's disparity, looked up where this view's points land
    rig: StereoRig  # at this scale's resolution
    error: Tensor | None = None  # of the left disparity, to be expected; finest scale only


def synthesise(batch: StereoBatch, disparity: Disparity) -> Views:
    """Rebuild each view from the other one (M3Depth, section 2.1)."""
    full, size = batch["left"].shape[-2:], disparity.left.shape[-2:]
    left, right = _at_size(batch["left"], size), _at_size(batch["right"], size)
    width = size[1]
    ignore = _ignored(batch, size)
    from_right, seen_left = warp(
        torch.cat([right, disparity.right, ignore.right], 1), -width * disparity.left
    )
    from_left, seen_right = warp(
        torch.cat([left, disparity.left, ignore.left], 1), width * disparity.right
    )
    return Views(
        image=Pair(left, right),
        warped=Pair(from_right[:, :3], from_left[:, :3]),
        visible=Pair(seen_left, seen_right),
        comparable=Pair(
            seen_left & _clear(ignore.left, from_right[:, 4:]),
            seen_right & _clear(ignore.right, from_left[:, 4:]),
        ),
        disparity=disparity.views,
        disparity_warped=Pair(from_right[:, 3:4], from_left[:, 3:4]),
        rig=batch["rig"].resized((full[0], full[1]), (size[0], size[1])),
        error=disparity.error,
    )


def both_views(depth: DepthMap, batch: StereoBatch) -> Disparity:
    """What a network says of both views, as the disparities that rebuild them from each other.

    Raises:
        DataError: the map has no right view, or no disparity can be made of it.
    """
    if depth.right is None:
        raise DataError("the network gives no right view: see m3depth.networks.contract")
    full = batch["left"].shape[-2], batch["left"].shape[-1]
    rig = batch["rig"].resized(full, depth.size)
    left, right = (one.seen_by(rig).to(Kind.FRACTION) for one in (depth, depth.right))
    return Disparity(left.values, right.values, left.error)


def _ignored(batch: StereoBatch, size: torch.Size) -> Pair:
    """What misleads as (b, 1, h, w) of zeros and ones; no channel at all when nothing is marked."""
    if "ignore" not in batch:
        nothing = batch["left"].new_zeros(len(batch["left"]), 0, *size)
        return Pair(nothing, nothing)
    marked = functional.adaptive_max_pool2d(batch["ignore"].to(batch["left"].dtype), size)
    return Pair(marked[:, :1], marked[:, 1:])


def _clear(here: Tensor, looked_up: Tensor) -> Tensor:
    """Whether the 3x3 window that SSIM looks at holds nothing that misleads, in either view."""
    if not here.shape[1]:
        return here.new_ones((), dtype=torch.bool)
    either = torch.maximum(here, looked_up.detach())
    return functional.max_pool2d(either, 3, stride=1, padding=1) < BARELY


def _at_size(image: Tensor, size: torch.Size) -> Tensor:
    if image.shape[-2:] == size:
        return image
    return functional.interpolate(image, size=size, mode="area")
