"""LLFF's ``poses_bounds.npy``, which EndoNeRF's layout and its relatives have beside pictures."""

from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from jaxtyping import Float64
from numpy.typing import NDArray
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.poses import PoseConvention
from m3depth.io.numpy_files import read_npy

POSES = "poses_bounds.npy"
NUMBERS = 17  # of a row: [R | t | column] by rows, near, far


class PosesBounds(NamedTuple):
    """One row a frame.

    Attributes:
        poses: Camera-to-world [R | t] in the file's own axes and unit.
        columns: What stands beside each pose: (height, width, focal length) in pixels.
        bounds: Nearest and farthest depth.
    """

    poses: Float64[NDArray[np.float64], "n 3 4"]
    columns: Float64[NDArray[np.float64], "n 3"]
    bounds: Float64[NDArray[np.float64], "n 2"]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The file's rows; a `DataError` where it is missing or holds no rows of 17 numbers."""
        rows = read_npy(path)
        if rows.ndim != 2 or rows.shape[1] != NUMBERS or not len(rows):
            raise DataError(
                f"{path}: shape {rows.shape}; LLFF's poses and bounds are n x 17 numbers"
            )
        rows = rows.astype(np.float64)
        matrices = rows[:, :15].reshape(-1, 3, 5)
        return cls(matrices[:, :, :4], matrices[:, :, 4], rows[:, 15:])

    def rows(self) -> Float64[NDArray[np.float64], "n 17"]:
        """As the file holds them."""
        matrices = np.concatenate([self.poses, self.columns[:, :, None]], axis=2)
        return np.concatenate([matrices.reshape(-1, 15), self.bounds], axis=1)

    @property
    def still(self) -> bool:
        """Whether the camera stands still: it is the identity then, whatever the file's axes."""
        return bool((self.poses == self.poses[0]).all())

    @property
    def intrinsics(self) -> Float64[Tensor, "3 3"]:
        """K with integer pixel centres, from the first row."""
        height, width, focal_px = self.columns[0]
        return intrinsics(float(focal_px), half(float(width)), half(float(height)))

    def camera_to_world(
        self, convention: PoseConvention, unit_mm: float
    ) -> Float64[Tensor, "n 4 4"]:
        """In OpenCV's axes and millimetres."""
        poses = convention.to_opencv(torch.from_numpy(self.poses))
        poses[:, :3, 3] *= unit_mm
        return poses


def half(length: float) -> float:
    """Where EndoNeRF takes the principal point to be: its rays are (i - W / 2) / f."""
    return length / 2


def intrinsics(focal_px: float, cx: float, cy: float) -> Float64[Tensor, "3 3"]:
    """K of square pixels."""
    return torch.tensor([[focal_px, 0, cx], [0, focal_px, cy], [0, 0, 1]], dtype=torch.float64)
