"""From disparities to everything the losses look at, made once per scale."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from m3depth.geometry.camera import StereoRig
from m3depth.geometry.warp import warp
from m3depth.types import Disparity, Pair, StereoBatch


@dataclass(frozen=True)
class Views:
    """One scale of a batch; every tensor is (b, c, h, w) at this scale, left and right."""

    image: Pair  # the clean images
    warped: Pair  # each view rebuilt from the other image by its own disparity
    visible: Pair  # bool: not in the blind region, the pixel falls inside the other image
    disparity: Pair  # fraction of the width
    disparity_warped: Pair  # the other view's disparity, looked up where this view's points land
    rig: StereoRig  # at this scale's resolution


def synthesise(batch: StereoBatch, disparity: Disparity) -> Views:
    """Rebuild each view from the other one (M3Depth, section 2.1)."""
    full, size = batch["left"].shape[-2:], disparity.left.shape[-2:]
    left, right = _at_size(batch["left"], size), _at_size(batch["right"], size)
    width = size[1]
    from_right, seen_left = warp(torch.cat([right, disparity.right], 1), -width * disparity.left)
    from_left, seen_right = warp(torch.cat([left, disparity.left], 1), width * disparity.right)
    return Views(
        image=Pair(left, right),
        warped=Pair(from_right[:, :3], from_left[:, :3]),
        visible=Pair(seen_left, seen_right),
        disparity=Pair(disparity.left, disparity.right),
        disparity_warped=Pair(from_right[:, 3:], from_left[:, 3:]),
        rig=batch["rig"].resized((full[0], full[1]), (size[0], size[1])),
    )


def _at_size(image: Tensor, size: torch.Size) -> Tensor:
    if image.shape[-2:] == size:
        return image
    return functional.interpolate(image, size=size, mode="area")
