"""Which value of a mask leaves a pixel out: each reader has its own rule."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray


class Polarity(NamedTuple):
    """The two values of a mask.

    Attributes:
        used: Where the reader looks.
        excluded: Of tools, unknown depth and low confidence.
        said: In the metadata.
    """

    used: int
    excluded: int
    said: str

    def drawn(self, used: Bool[NDArray[np.bool_], "h w"]) -> UInt8[NDArray[np.uint8], "h w"]:
        """The mask as a picture."""
        return np.where(used, self.used, self.excluded).astype(np.uint8)


TOOL_IS_WHITE = Polarity(0, 255, "255 = exclude: tool, unknown depth, low confidence")
TISSUE_IS_WHITE = Polarity(255, 0, "255 = use; 0 = exclude: tool, unknown depth, low confidence")


def not_black(value: Float[NDArray[np.floating], "h w"]) -> Bool[NDArray[np.bool_], "h w"]:
    """Readers that keep what is not 0."""
    return value > 0


def not_white(value: Float[NDArray[np.floating], "h w"]) -> Bool[NDArray[np.bool_], "h w"]:
    """Readers that take 255 for the tool, and anything less for tissue."""
    return value < 255


def polarity_said(said: object) -> Polarity:
    """By what the metadata say; EndoNeRF's own, 255 = tool, where they say nothing."""
    return TISSUE_IS_WHITE if str(said).startswith("255 = use") else TOOL_IS_WHITE
