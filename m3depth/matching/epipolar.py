"""The motion between two frames by their optical flow and K alone, up to its length."""

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from torch import Tensor

from m3depth.matching.optical_flow import Flow
from m3depth.types import StereoRig

EVERY = 6  # every n-th pixel of every n-th row: a flow's neighbours are not independent
FEWEST = 20  # pixels; of fewer no motion is found
INLIER_PX = 0.5
CONFIDENCE = 0.9999

Rays = Float64[NDArray[np.float64], "n 2"]


def epipolar_motion(
    flow: Flow, camera: StereoRig, other: StereoRig, every: int = EVERY
) -> Float[Tensor, "b 4 4"]:
    """``other_from_here`` of each pair, its translation of length 1; no gradient.

    The essential matrix of the trusted flow (OpenCV's MAGSAC, five points: Nistér 2004, Barath
    2020), and of its four motions the one with the points before both cameras. No depth is asked
    for, so a wrong one does not mislead it; where the camera does not move, or the scene is flat,
    its translation means nothing. No motion at all where too little of the flow is trusted.

    Args:
        flow: from here to the other frame, px.
        camera: of here, fields (b,), at the flow's size.
        other: of the other frame.
        every: every n-th pixel of every n-th row is used.
    """
    height, width = flow.px.shape[-2:]
    row, column = np.mgrid[every // 2 : height : every, every // 2 : width : every]
    trusted = flow.trusted[:, 0].cpu().numpy()[:, row, column]
    went = flow.px.detach().float().cpu().numpy()[:, :, row, column].transpose(0, 2, 3, 1)
    here = np.stack([column, row], -1).astype(np.float64)
    fields = [_fields(one) for one in (camera, other)]
    found = [
        _motion(_rays(here[use], one), _rays((here + there)[use], two), one[0])
        for use, there, one, two in zip(trusted, went, *fields, strict=True)
    ]
    return torch.from_numpy(np.stack(found)).to(flow.px)


def _fields(camera: StereoRig) -> Float64[NDArray[np.float64], "b 4"]:
    parts = torch.stack([camera.fx, camera.fy, camera.cx, camera.cy], -1)
    return np.asarray(parts.detach().double().cpu().numpy(), np.float64)


def _rays(pixels: Rays, camera: Float64[NDArray[np.float64], "4"]) -> Rays:
    """Points at depth 1."""
    rays: Rays = (pixels - camera[2:]) / camera[:2]
    return rays


def _motion(here: Rays, there: Rays, focal_px: float) -> Float64[NDArray[np.float64], "4 4"]:
    motion = np.eye(4)
    if len(here) < FEWEST:
        return motion
    plain = np.eye(3)
    try:
        essential, inliers = cv2.findEssentialMat(
            here, there, plain, cv2.USAC_MAGSAC, CONFIDENCE, INLIER_PX / focal_px
        )
    except cv2.error:  # no motion of the frames, say, which has no essential matrix
        return motion
    if essential is None or essential.shape != (3, 3):
        return motion
    used = inliers.copy()  # it is written to
    _, motion[:3, :3], shift, _ = cv2.recoverPose(essential, here, there, plain, mask=used)
    motion[:3, 3] = shift[:, 0]
    return motion
