"""The left view rebuilt from the right one: what can be scored without any known depth."""

import torch
from jaxtyping import Bool, Float
from kornia.metrics import ssim as ssim_map
from torch import Tensor

from m3depth.geometry.resizing import at_size, nearest, size_of
from m3depth.geometry.warp import warp
from m3depth.types import DepthMap, Kind, StereoBatch

SSIM_WINDOW = 11  # Wang et al. (2004): Gaussian, sigma 1.5
LEAST_SQUARE = 1e-10  # equal views have no PSNR: they get 100 dB


def ssim(
    image: Float[Tensor, "b c h w"],
    other: Float[Tensor, "b c h w"],
    counts: Bool[Tensor, "b 1 h w"],
) -> Float[Tensor, ""]:
    """Mean structural similarity (Wang et al., 2004) over the pixels that count.

    Images are in [0, 1]; the window is kornia's Gaussian of 11x11.

    >>> image = torch.rand(1, 3, 16, 16)
    >>> round(ssim(image, image, torch.ones(1, 1, 16, 16, dtype=torch.bool)).item(), 6)
    1.0
    """
    similar = ssim_map(image, other, window_size=SSIM_WINDOW).double().mean(dim=1, keepdim=True)
    return similar[counts].mean()


def psnr(
    image: Float[Tensor, "b c h w"],
    other: Float[Tensor, "b c h w"],
    counts: Bool[Tensor, "b 1 h w"],
) -> Float[Tensor, ""]:
    """Peak signal-to-noise ratio in dB, ``-10 log10 mean (p - t)²``, over the pixels that count.

    Images are in [0, 1]; at most 100 dB.

    >>> image = torch.zeros(1, 3, 4, 4)
    >>> round(psnr(image, image + 0.1, torch.ones(1, 1, 4, 4, dtype=torch.bool)).item(), 4)
    20.0
    """
    square = (image.double() - other.double()).square().mean(dim=1, keepdim=True)[counts].mean()
    return -10 * square.clamp_min(LEAST_SQUARE).log10()


def score_view(prediction: DepthMap, batch: StereoBatch) -> dict[str, float]:
    """SSIM and PSNR between the left image and the left image rebuilt from the right one.

    Only pixels that the right image sees count, and of those only the ones that the sample's
    mask leaves in. Nothing without a right image. Both depend on the size that images are read at
    (``data.size``), a checkpoint's own unless it is given: compare at one size.
    """
    left = batch["left"]
    shift_px = disparity_px(prediction, batch)
    if "right" not in batch or shift_px is None:
        return {}
    rebuilt, seen = warp(batch["right"], -shift_px)
    counts = seen & view_mask(batch)
    if not counts.any():
        return {}
    return {m.__name__: m(left, rebuilt, counts).item() for m in (ssim, psnr)}


def disparity_px(prediction: DepthMap, batch: StereoBatch) -> Float[Tensor, "1 1 h w"] | None:
    """The prediction as a disparity in pixels of the left image; None where it has none."""
    left = batch["left"]
    here = at_size(prediction, size_of(left)).seen_by(batch["rig"])
    if not here.has_disparity:
        return None
    return here.to(Kind.FRACTION).values.to(left.dtype) * left.shape[-1]


def view_mask(batch: StereoBatch) -> Bool[Tensor, "1 1 h w"]:
    """The sample's mask at the resolution of the images; all True without one."""
    left = batch["left"]
    if "mask" not in batch:
        return torch.ones_like(left[:, :1], dtype=torch.bool)
    return nearest(batch["mask"], size_of(left))
