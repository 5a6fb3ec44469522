"""Disparity should bend only where the image does."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def edge_aware(
    disparity: Float[Tensor, "b 1 h w"], image: Float[Tensor, "b c h w"]
) -> Float[Tensor, "b 1 h w"]:
    """``|∂x d| exp(-|∂x I|) + |∂y d| exp(-|∂y I|)``, image slopes averaged over channels (L_ds).

    Forward differences; the last column and row have none and count 0 there. Disparity is *not*
    divided by its mean, as in M3Depth. Unit: that of the disparity, per pixel.
    """
    across = disparity.diff(dim=-1).abs() * torch.exp(-_slope(image, -1))
    down = disparity.diff(dim=-2).abs() * torch.exp(-_slope(image, -2))
    return functional.pad(across, (0, 1)) + functional.pad(down, (0, 0, 0, 1))


def _slope(image: Tensor, axis: int) -> Tensor:
    return image.diff(dim=axis).abs().mean(1, keepdim=True)
