"""What one camera sees and the other does not, from a view's own disparities."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def unoccluded_right(
    disparity_px: Float[Tensor, "b 1 h w"], margin_px: float = 0.25
) -> Bool[Tensor, "b 1 h w"]:
    """True where nothing that the right view shows hides a pixel from the left camera.

    The left camera has pixel ``x`` at ``x + d``. A pixel is taken as hidden when one farther left
    lands more than ``margin_px`` to the right of it, and so is nearer: the ordering constraint.
    (What shows on both sides of something thin is left out too.)

    Args:
        disparity_px: in pixels, up to a constant.
        margin_px: on one surface neighbours land about a pixel apart, so that noise of less than
            that hides nothing even at 0.
    """
    disparity_px = disparity_px.detach()
    columns = torch.arange(disparity_px.shape[-1], device=disparity_px.device)
    lands = (columns + disparity_px).nan_to_num(-torch.inf)  # what is not known hides nothing
    farthest_right = lands.cummax(-1).values  # of the pixels up to here
    return farthest_right - lands <= margin_px


def unoccluded_left(
    disparity_px: Float[Tensor, "b 1 h w"], margin_px: float = 0.25
) -> Bool[Tensor, "b 1 h w"]:
    """The same for the left view and the right camera: its mirror image is a right view."""
    return unoccluded_right(disparity_px.flip(-1), margin_px).flip(-1)
