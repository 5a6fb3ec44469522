"""The one warp, on the one look-up."""

import torch
from jaxtyping import Bool, Float
from kornia.geometry.transform import remap
from torch import Tensor


def warp(
    source: Float[Tensor, "b c h w"], shift_px: Float[Tensor, "b 1 h w"]
) -> tuple[Float[Tensor, "b c h w"], Bool[Tensor, "b 1 h w"]]:
    """Look ``source`` up at ``x + shift_px`` on the same row.

    The left view seen through the right image is ``warp(right, -disparity_left_px)``; the right
    view through the left image is ``warp(left, +disparity_right_px)``.

    Convention: integer pixel centres, ``align_corners=True``; a zero shift is the identity and a
    whole shift moves whole pixels. Beyond the edge the edge's colour is repeated, and the mask
    says so: ``visible`` is ``0 <= x + shift <= W - 1``, from coordinates, so that a black pixel
    is never taken for an unseen one.

    Returns:
        The warped image and ``visible``.
    """
    height, width = source.shape[-2:]
    rows = torch.arange(height, device=source.device, dtype=shift_px.dtype)
    columns = torch.arange(width, device=source.device, dtype=shift_px.dtype)
    x = columns + shift_px[:, 0]
    y = rows[:, None].expand_as(x)
    warped = look_up(source, x, y)
    visible = (x >= 0) & (x <= width - 1)
    return warped, visible[:, None]


def look_up(
    source: Float[Tensor, "b c h w"], x: Float[Tensor, "b k n"], y: Float[Tensor, "b k n"]
) -> Float[Tensor, "b c k n"]:
    """``source`` at real-valued pixels, bilinear; the edge's value beyond the edge."""
    return remap(source, x, y, padding_mode="border", align_corners=True)
