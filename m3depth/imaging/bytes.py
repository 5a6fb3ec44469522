"""Pictures as floats from 0 to 1, and in 8 bits."""

from jaxtyping import Float, UInt8
from torch import Tensor

from m3depth.imaging.figures import Picture


def to_bytes(image: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Numbers from 0 to 1 as whole ones to 255, rounded; what lies outside is clipped."""
    return (image * 255).round_().clamp_(0, 255).byte()


def to_picture(image: Float[Tensor, "3 h w"]) -> Picture:
    """An image as pixels, channels last."""
    return to_bytes(image).permute(1, 2, 0).contiguous().cpu().numpy()


def to_floats(pixels: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """From 0 to 1."""
    return pixels.float() / 255
