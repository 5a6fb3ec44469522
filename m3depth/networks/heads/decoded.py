"""What a decoder gives a head."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor


class Channels(NamedTuple):
    """The widths of what is `Decoded`."""

    bottleneck: int
    blocks: tuple[int, ...]
    activation: int
    relative: int = 0  # 1 where the decoder gives a relative depth


class Decoded(NamedTuple):
    """Features of one batch of images; the maps may have different sizes.

    All of them show the whole image, with the corners of their pixel grids at its corners.
    """

    bottleneck: Float[Tensor, "b c _ _"]  # the coarsest, where the decoder begins
    blocks: tuple[Float[Tensor, "b _ _ _"], ...]  # the decoder's stages, coarsest first
    activation: Float[Tensor, "b d h w"]  # what a last convolution would make depth of
    relative: Float[Tensor, "b 1 h w"] | None = None  # depth up to scale, where it is known
