"""From an expected error to a confidence."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.types import DepthMap, Kind
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import NEAREST_PARALLAX_PX

WITHIN_MM = 2.0
MEAN_OF_NORMAL = math.sqrt(2 / math.pi)  # mean absolute error over standard deviation
WITHIN_PX = 1.0  # of a disparity, where there is no calibration
MEANING = f"probability that the depth is right to within {WITHIN_MM:g} mm"
DISPARITIES = (Kind.FRACTION, Kind.DISPARITY)
SCALE_MEANING = "standard deviation of one factor that all depth of a frame has in common"


def confidence_of(found: DepthMap) -> Float[Tensor, "b 1 h w"] | None:
    """Of a metric map with its camera; None where it says no error to be expected.

    The pixel's expected error and that of the frame's scale add up as squares.
    """
    pixels = found.to(Kind.DISPARITY if found.kind in DISPARITIES else Kind.DEPTH)
    error, camera = pixels.error, pixels.camera
    if error is None:
        return None
    beyond = pixels.values  # what is proportional to depth or to its inverse
    if camera is not None and pixels.kind is Kind.DISPARITY:
        beyond = beyond - camera.principal_offset[..., None, None, None]
    if found.scale_deviation is not None:
        share = MEAN_OF_NORMAL * found.scale_deviation[:, None, None, None]
        error = torch.hypot(error, share * beyond)
    if camera is not None and pixels.kind is Kind.DISPARITY:
        sure = confidence(pixels.values, error, camera)
    else:
        sure = confidence_of_depth(pixels.values, error)
    return sure if pixels.known is None else sure * pixels.known


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
    scale = (rig.fx * rig.baseline_mm)[..., None, None, None]
    parallax = disparity_px - rig.principal_offset[..., None, None, None]
    # b·fx / (z ± 2 mm) less b·fx / z, without the way over z: this is done for every pixel
    change, step = WITHIN_MM * parallax.square(), WITHIN_MM * parallax
    above = change / (scale - step).clamp_min(1e-6)
    below = change / (scale + step)
    calibrated = rig.calibrated[..., None, None, None]
    above, below = (torch.where(calibrated, side, WITHIN_PX) for side in (above, below))
    outside = (torch.exp(-above / error_px) + torch.exp(-below / error_px)) / 2
    return torch.where((parallax > NEAREST_PARALLAX_PX) | ~calibrated, 1 - outside, 0.0)


def confidence_of_depth(
    depth_mm: Float[Tensor, "*b 1 h w"], error_mm: Float[Tensor, "*b 1 h w"]
) -> Float[Tensor, "*b 1 h w"]:
    """The same where the expected error is one of depth, > 0; 0 where depth is not known."""
    return torch.where(depth_mm > 0, 1 - torch.exp(-WITHIN_MM / error_mm), 0.0)
