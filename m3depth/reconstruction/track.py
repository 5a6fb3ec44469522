"""From the motions between frames to the camera's path."""

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from m3depth.errors import ConfigError, DataError
from m3depth.reconstruction.followed import K_NUMBERS, Followed, Step
from m3depth.types import StereoRig, Track


def track_of(followed: Followed) -> Track:
    """The path, from the first camera on, in the motion's unit, and K of each frame.

    A frame that is in two pairs has the mean of both their K.

    Raises:
        ConfigError: nobody says K.
        DataError: a motion is none.
    """
    poses = [np.eye(4)]
    for step in followed.steps[1:]:
        motion = np.array(step.motion)
        if not np.isfinite(motion).all():
            raise DataError(f"{step.key}: the motion to it is not finite; its checkpoint is broken")
        poses.append(_rigid(poses[-1] @ np.linalg.inv(motion)))
    times = torch.tensor([step.time_s for step in followed.steps], dtype=torch.float64)
    return Track(torch.from_numpy(np.array(poses)), _cameras(followed), times, followed.names)


def _rigid(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """With the nearest rotation, so that rounding does not add up."""
    left, _, right = np.linalg.svd(pose[:3, :3])
    pose[:3, :3] = left @ right
    return pose


def _cameras(followed: Followed) -> StereoRig:
    rigs, found = followed.rigs, _found_cameras(followed.steps)
    if found is None and rigs is None:
        raise ConfigError(
            "K of the camera is not known: the motion does not say it, nor do the data; pass "
            "rig=PATH of a rig.yaml (fx fy cx cy width height)"
        )
    if found is None:
        return rigs  # type: ignore[return-value]
    fx, fy, cx, cy = found.unbind(-1)
    if rigs is None:
        return StereoRig(fx, fy, cx, cy, cx, torch.zeros_like(cx))
    return StereoRig(fx, fy, cx, cy, cx - rigs.principal_offset, rigs.baseline_mm)


def _found_cameras(steps: list[Step]) -> Float64[Tensor, "n 4"] | None:
    pairs = [step.cameras for step in steps[1:]]
    if any(pair is None for pair in pairs):
        return None
    numbers = torch.tensor(pairs, dtype=torch.float64)
    total, count = torch.zeros(len(steps), K_NUMBERS).double(), torch.zeros(len(steps), 1).double()
    for frames, values in ((slice(None, -1), numbers[:, 0]), (slice(1, None), numbers[:, 1])):
        total[frames] += values
        count[frames] += 1
    return total / count
