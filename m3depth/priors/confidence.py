"""From an expected error to a confidence."""

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.geometry.camera import StereoRig
from m3depth.geometry.disparity import depth_from_disparity, disparity_from_depth

WITHIN_MM = 2.0
WITHIN_PX = 1.0  # of a disparity, where there is no calibration
MEANING = f"probability that the depth is right to within {WITHIN_MM:g} mm"


def confidence(
    disparity_px: Float[Tensor, "*b 1 h w"], error_px: Float[Tensor, "*b 1 h w"], rig: StereoRig
) -> Float[Tensor, "*b 1 h w"]:
    """Probability that the depth is right to within 2 mm; without a calibration, 1 px.

    That of a disparity error which is Laplace distributed with the mean absolute value
    ``error_px`` to stay between the disparities of both depths. Where depth is not known: 0.

    Args:
        disparity_px: of the left view.
        error_px: > 0.
        rig: at this resolution.
    """
    depth_mm = depth_from_disparity(disparity_px, rig)
    nearer = disparity_from_depth((depth_mm - WITHIN_MM).clamp_min(1e-3), rig)
    farther = disparity_from_depth(depth_mm + WITHIN_MM, rig)
    calibrated = rig.calibrated[..., None, None, None]
    above = torch.where(calibrated, nearer - disparity_px, WITHIN_PX)
    below = torch.where(calibrated, disparity_px - farther, WITHIN_PX)
    outside = (torch.exp(-above / error_px) + torch.exp(-below / error_px)) / 2
    return torch.where((depth_mm > 0) | ~calibrated, 1 - outside, 0.0)
