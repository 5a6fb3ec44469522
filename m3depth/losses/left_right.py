"""Whether the two disparity maps agree."""

from jaxtyping import Float
from torch import Tensor


def left_right(
    disparity: Float[Tensor, "b 1 h w"], disparity_warped: Float[Tensor, "b 1 h w"]
) -> Float[Tensor, "b 1 h w"]:
    """``|d^l(x) - d^r(x - d^l(x))|`` and the same from the right (M3Depth, 2D consistency L_gc).

    Unit: that of the disparities, here fractions of the image's width.
    """
    return (disparity - disparity_warped).abs()
