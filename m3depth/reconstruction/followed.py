"""What was seen of a video, frame by frame, and how the camera moved in between."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray

from m3depth.errors import DataError
from m3depth.types import StereoRig

K_NUMBERS = 4  # fx, fy, cx, cy


class FrameLeftOutError(DataError):
    """A frame that is not to be followed; the user was told already."""


class Step(NamedTuple):
    """A frame that was followed to. Plain numbers, which JSON keeps to the last bit."""

    place: int  # in the video
    key: str
    time_s: float
    size: tuple[int, int]  # (height, width)
    rig: list[float] | None  # as the data say, at that size
    true_pose: list[list[float]] | None  # camera-to-world, as the data say
    motion: list[list[float]]  # points of the frame before into this one; of the first, 1
    cameras: list[list[float]] | None  # fx fy cx cy of the frame before and of this one, as found


class Followed(NamedTuple):
    """The frames of a video that could be followed, and why others could not."""

    steps: list[Step]
    skipped: dict[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The last part of each frame's key."""
        return tuple(step.key.rpartition("/")[2] for step in self.steps)

    @property
    def true_poses(self) -> Float64[NDArray[np.float64], "n 4 4"] | None:
        """The data's own; None where a frame has none."""
        found = [step.true_pose for step in self.steps if step.true_pose is not None]
        return np.array(found, np.float64) if len(found) == len(self.steps) else None

    @property
    def rigs(self) -> StereoRig | None:
        """The data's own, fields (n,); None where a frame has none."""
        found = [step.rig for step in self.steps if step.rig is not None]
        if len(found) < len(self.steps):
            return None
        return StereoRig(*torch.tensor(found, dtype=torch.float64).unbind(-1))
