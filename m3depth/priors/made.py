"""A prior, made of a sample and its depth map."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from m3depth.errors import DataError
from m3depth.geometry.confidence import DISPARITIES, confidence_of
from m3depth.geometry.resizing import nearest, size_of
from m3depth.priors.prior import DepthPrior
from m3depth.types import DepthMap, Kind, StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity, disparity_from_depth

ROTATION_OFF = 0.02  # of R Rᵀ - 1: digits that a file left out pass
Map = Float[Tensor, "1 h w"]


@torch.inference_mode()
def prior_of(sample: StereoBatch, found: DepthMap) -> DepthPrior:
    """The prior at the image's resolution, on the CPU, without pose and mask.

    Args:
        sample: The frame; without a rig its camera is not known.
        found: What a source gave for it.

    Raises:
        DataError: the map is known up to a scale only.
    """
    image = sample["left"]
    height, width = size_of(image)
    rig = sample["rig"] if "rig" in sample else StereoRig.uncalibrated(width, height)
    depth = at_image(found, (height, width)).seen_by(rig)
    make = _from_disparity if depth.kind in DISPARITIES else _from_depth
    disparity_px, depth_mm = make(depth, rig)
    sure = confidence_of(depth)
    sure = None if sure is None else sure[0]
    prior = DepthPrior(str(sample["key"]), image, disparity_px, depth_mm, sure, rig)
    deviation = found.scale_deviation
    return prior if deviation is None else replace(prior, scale_deviation=float(deviation))


def at_image(found: DepthMap, size: tuple[int, int]) -> DepthMap:
    """The map at the image's (height, width), on the CPU; measured depth is the nearest pixel's."""
    if found.size == size:
        return found.on("cpu")
    measured = found.kind is Kind.DEPTH and found.known is not None
    return (_nearest(found, size) if measured else found.resized(size)).on("cpu")


def _nearest(found: DepthMap, size: tuple[int, int]) -> DepthMap:
    values = interpolate(found.values, size, mode="nearest-exact")
    error = None if found.error is None else interpolate(found.error, size, mode="nearest-exact")
    known = None if found.known is None else nearest(found.known, size)
    return replace(found, values=values, error=error, known=known)


def _from_disparity(depth: DepthMap, rig: StereoRig) -> tuple[Map, Map]:
    disparity_px = depth.to(Kind.DISPARITY).values[0]
    depth_mm = depth_from_disparity(disparity_px, rig)
    if depth.known is None:
        return disparity_px, depth_mm
    known = depth.known[0] & ((depth_mm > 0) | ~rig.calibrated)
    return disparity_px * known, depth_mm * known


def _from_depth(depth: DepthMap, rig: StereoRig) -> tuple[Map | None, Map]:
    """Disparity is that of the rig, if it has a baseline."""
    depth_mm = depth.depth_mm()[0]
    disparity_px = disparity_from_depth(depth_mm, rig) if rig.calibrated else None
    return disparity_px, depth_mm


def completed(prior: DepthPrior, sample: StereoBatch) -> DepthPrior:
    """The prior with the sample's pose; tools, or what else its mask leaves out, are not used.

    A sample without a pose is of a camera that stands still.

    Raises:
        DataError: the camera's K is not known, or there is only disparity, or the pose is none.
    """
    prior.require_millimetres()
    pose = sample.get("camera_to_world", torch.eye(4))
    _require_rigid(pose, prior.key)
    use = ~sample["tool"] if "tool" in sample else sample.get("mask")
    if use is not None and use.shape[-2:] != prior.size:
        use = nearest(use[None], prior.size)[0]
    return replace(prior, camera_to_world=pose, use=use)


def _require_rigid(pose: Float[Tensor, "4 4"], key: str) -> None:
    turn = pose[:3, :3].double()
    whole = bool(torch.isfinite(pose).all()) and torch.equal(pose[3], torch.eye(4)[3].to(pose))
    off = (turn @ turn.T - torch.eye(3).double()).abs().max() if whole else torch.inf
    if off > ROTATION_OFF or torch.linalg.det(turn) < 0:
        raise DataError(
            f"{key}: its pose is no rotation and translation (R Rᵀ = 1, determinant 1, last row "
            "0 0 0 1, finite): correct it, or take the frame out"
        )
