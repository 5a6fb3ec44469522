"""LPIPS, if the weights of its network are on this machine."""

from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torchvision.models import AlexNet_Weights

LEAST_SIDE = 31  # pixels: AlexNet has no features of less


def lpips(
    shown: Float[Tensor, "b 3 h w"],
    target: Float[Tensor, "b 3 h w"],
    counts: Bool[Tensor, "b 1 h w"],
) -> Float[Tensor, ""] | None:
    """Mean perceptual distance (Zhang et al. 2018) by AlexNet; 0 where images are equal.

    Pixels that do not count are the target image's in both. ``None`` without the network's weights,
    or for images of less than 31 pixels. The weights are torchvision's for ImageNet, looked for
    where torch.hub keeps its files (``TORCH_HOME``); nothing is downloaded.
    """
    if not weights().is_file() or min(shown.shape[-2:]) < LEAST_SIDE:
        return None
    from torchmetrics.functional.image import learned_perceptual_image_patch_similarity as distance

    pictures = torch.where(counts, shown, target), target
    with torch.inference_mode():
        return distance(*pictures, net_type="alex", normalize=True)


def weights() -> Path:
    """Where AlexNet's are expected."""
    name = Path(AlexNet_Weights.DEFAULT.url).name
    return Path(torch.hub.get_dir(), "checkpoints", name)
