"""Maps and masks at another resolution."""

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import interpolate

from m3depth.types import DepthMap, Kind


def resized(image: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c H W"]:
    """Bilinear, the image's edges stay in place, as `StereoRig.resized` has it."""
    if size_of(image) == size:
        return image
    return interpolate(image, size, mode="bilinear", align_corners=False)


def nearest(mask: Bool[Tensor, "b c h w"], size: tuple[int, int]) -> Bool[Tensor, "b c H W"]:
    """A mask at another resolution."""
    return interpolate(mask.float(), size, mode="nearest-exact") > 0.5


def at_size(prediction: DepthMap, size: tuple[int, int]) -> DepthMap:
    """A depth map at another resolution, in float64, so that resizing adds no error of its own.

    Bilinear, with the sampling of OpenCV's ``INTER_LINEAR``: AF-SfMLearner's rule, and that of
    most tables. Depth is resized as inverse depth, which like disparity is linear on a plane.
    """
    precise = prediction.precise()
    if precise.size == size:
        return precise
    if precise.kind is Kind.DEPTH:
        precise = precise.to(Kind.INVERSE_DEPTH)
    return precise.resized(size)


def size_of(image: Tensor) -> tuple[int, int]:
    """(height, width)."""
    return image.shape[-2], image.shape[-1]
