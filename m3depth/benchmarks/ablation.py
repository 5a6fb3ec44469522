"""Objectives for the ablation alone, each with a known fault: not for training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from m3depth.geometry.synthesis import Views
from m3depth.geometry.warp import look_up
from m3depth.losses.objective import LossBreakdown, Objective
from m3depth.types import Pair


@dataclass(frozen=True)
class WithoutBlindMask(Objective):
    """Compares every pixel, also those that the other image cannot show."""

    def __call__(self, pyramid: Sequence[Views]) -> LossBreakdown:
        """As `Objective`."""
        return super().__call__([_unmasked(views) for views in pyramid])


@dataclass(frozen=True)
class WithReleasedWarp(WithoutBlindMask):
    """Looks views up where the released code of M3Depth does.

    Coordinates are made for corner pixels at the corners (``2x / (W - 1) - 1``) and read as if
    pixels filled the image (``align_corners=False``): pixel ``x`` is read at ``x W / (W - 1) - ½``,
    half a pixel off at both ends of a row and of a column.
    """

    def __call__(self, pyramid: Sequence[Views]) -> LossBreakdown:
        """As `Objective`."""
        return super().__call__([_misaligned(views) for views in pyramid])


def _unmasked(views: Views) -> Views:
    everywhere = Pair(*(torch.ones_like(one) for one in views.visible))
    return replace(views, visible=everywhere, comparable=everywhere)


def _misaligned(views: Views) -> Views:
    image, disparity = views.image, views.disparity
    from_right = _looked_up(torch.cat([image.right, disparity.right], 1), -disparity.left)
    from_left = _looked_up(torch.cat([image.left, disparity.left], 1), disparity.right)
    return replace(
        views,
        warped=Pair(from_right[:, :3], from_left[:, :3]),
        disparity_warped=Pair(from_right[:, 3:], from_left[:, 3:]),
    )


def _looked_up(source: Tensor, shift: Tensor) -> Tensor:
    height, width = source.shape[-2:]
    columns = torch.arange(width, device=source.device) + width * shift[:, 0]
    rows = torch.arange(height, device=source.device)[:, None].expand_as(columns).to(columns)
    x, y = columns * width / (width - 1) - 0.5, rows * height / (height - 1) - 0.5
    return look_up(source, x, y)
