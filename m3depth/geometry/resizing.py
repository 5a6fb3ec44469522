"""Maps and masks at another resolution."""

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate


def resized(image: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c H W"]:
    """Bilinear, the image's edges stay in place, as `StereoRig.resized` has it."""
    if size_of(image) == size:
        return image
    return interpolate(image, size, mode="bilinear", align_corners=False)


def nearest(mask: Bool[Tensor, "b c h w"], size: tuple[int, int]) -> Bool[Tensor, "b c H W"]:
    """A mask at another resolution."""
    return interpolate(mask.float(), size, mode="nearest-exact") > 0.5


def size_of(image: Tensor) -> tuple[int, int]:
    """(height, width)."""
    return image.shape[-2], image.shape[-1]
