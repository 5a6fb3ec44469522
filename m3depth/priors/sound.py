"""What no layout may be given: it would be read without a word and spoil the scene."""

from math import isfinite

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.priors.prior import DepthPrior

ROUNDING = 1e-3  # of what is 0 to 1: a resize may overshoot by its rounding
METRES_BELOW_MM = 1.0  # no endoscope sees anything nearer: such a median is in metres
RIGID_TOLERANCE = 1e-3


def require_sound(prior: DepthPrior) -> None:
    """Stop at a frame that a reader would take for something else.

    Raises:
        DataError: no calibration, or no camera's; maps of other sizes; a mask or a confidence that
            is none; colours that are not 0 to 1, depths that are no numbers, depth in metres, a
            pose that is no rotation and translation.
    """
    prior.require_millimetres()
    _require_camera(prior)
    _require_maps(prior)
    require_sound_frame(prior.key, prior.image, prior.depth_mm, prior.camera_to_world)


def _require_camera(prior: DepthPrior) -> None:
    values = {name: float(value) for name, value in prior.rig._asdict().items()}
    wrong = [name for name, value in values.items() if not isfinite(value)]
    wrong += [name for name in ("fx", "fy") if values[name] <= 0]
    if wrong:
        raise DataError(
            f"{prior.key}: {wrong[0]} of the rig is {values[wrong[0]]:g}, which no camera has; "
            "calibrate it anew"
        )


def _require_maps(prior: DepthPrior) -> None:
    use = torch.ones(1, *prior.size, dtype=torch.bool) if prior.use is None else prior.use
    maps = {"depth_mm": prior.depth_mm, "confidence": prior.confidence, "use": use}
    for name, one in maps.items():
        if one.shape != (1, *prior.size):
            raise DataError(
                f"{prior.key}: {name} has the shape {tuple(one.shape)}, the image "
                f"{tuple(prior.image.shape)}; one channel of the image's size is due"
            )
    if use.dtype != torch.bool:
        raise DataError(f"{prior.key}: use holds {use.dtype}; true or false is due: mask > 0")
    low, high = (float(extreme) for extreme in prior.confidence.aminmax())
    if not -ROUNDING <= low <= high <= 1 + ROUNDING:  # NaN is not
        raise DataError(f"{prior.key}: confidence from {low:.3g} to {high:.3g}; due are 0 to 1")


def require_sound_frame(
    key: str,
    image: Float[Tensor, "3 h w"],
    depth_mm: Float[Tensor, "1 h w"],
    camera_to_world: Float[Tensor, "rows columns"],
) -> None:
    """The same for a frame's parts; ``key`` names it.

    Raises:
        DataError: see `require_sound`.
    """
    # The extremes are not finite where any value is not: one pass tells both
    low, high = (float(extreme) for extreme in image.aminmax())
    if not (isfinite(low) and isfinite(high)):
        raise DataError(f"{key}: NaN or infinity among the colours; write the image again")
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise DataError(f"{key}: colours from {low:.3g} to {high:.3g}; due are 0 to 1")
    nearest, farthest = (float(extreme) for extreme in depth_mm.aminmax())
    if not (isfinite(farthest) and nearest >= 0):
        raise DataError(f"{key}: NaN, infinite or negative depth; unknown depth is 0")
    unknown = depth_mm.numel() - int(torch.count_nonzero(depth_mm))
    tiny = int(torch.count_nonzero(depth_mm < METRES_BELOW_MM)) - unknown
    if 2 * tiny > depth_mm.numel() - unknown:
        raise DataError(
            f"{key}: the median depth is {float(depth_mm[depth_mm > 0].median()):.3g} mm, so it is "
            "in metres: give the rig's baseline in millimetres (baseline_mm), or for a scene of "
            "others foreign.depth_unit_mm=1000"
        )
    _require_rigid(key, camera_to_world.double())


def _require_rigid(key: str, pose: Float[Tensor, "rows columns"]) -> None:
    if pose.shape != (4, 4):
        raise DataError(f"{key}: camera_to_world is {tuple(pose.shape)}; give [R t; 0 0 0 1]")
    rotation = pose[:3, :3]
    # Not finite fails here too: a comparison with NaN is False
    orthonormal = (rotation.T @ rotation - torch.eye(3)).abs().max() < RIGID_TOLERANCE
    last_row = (pose[3] - torch.tensor([0.0, 0.0, 0.0, 1.0])).abs().max() < RIGID_TOLERANCE
    if not (orthonormal and last_row and torch.det(rotation) > 0 and pose.isfinite().all()):
        raise DataError(
            f"{key}: camera_to_world is no rotation and translation (determinant "
            f"{float(torch.det(rotation)):.3g}); give [R t; 0 0 0 1] with orthonormal, "
            "right-handed R"
        )
