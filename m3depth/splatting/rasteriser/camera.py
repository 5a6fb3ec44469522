"""The camera that draws a picture."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError

TOLERANCE = 1e-3  # of a rotation that was stored in float32 or typed with four digits


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; its principal point may lie anywhere, outside the image too.

    Convention: pixel centres are integers, the top left one is (0, 0); axes x right, y down, z
    forward. Gradients reach both matrices.

    Attributes:
        intrinsics: K in pixels of ``size``, without skew.
        world_to_camera: A rotation and a translation in mm.
        size: (height, width) in pixels.

    Raises:
        DataError: K has no focal length, or the pose is no rotation.
    """

    intrinsics: Float[Tensor, "3 3"]
    world_to_camera: Float[Tensor, "4 4"]
    size: tuple[int, int]

    def __post_init__(self) -> None:
        k, pose = self.intrinsics.detach().cpu(), self.world_to_camera.detach().cpu()
        if not (k.isfinite().all() and k[0, 0] > 0 and k[1, 1] > 0 and k[0, 1] == 0):
            raise DataError(f"K = {k.tolist()}: it must have focal lengths above 0 and no skew")
        rotation = pose[:3, :3].double()
        off = (rotation @ rotation.mT - torch.eye(3).double()).abs().max()
        if not (pose.isfinite().all() and off < TOLERANCE and rotation.det() > 0):
            raise DataError(
                f"world_to_camera = {pose.tolist()}: its upper left is no rotation (a scale or a "
                "mirror in it?); use an orthonormal matrix of determinant 1 in OpenCV's axes"
            )
        if min(self.size) < 1:
            raise DataError(f"size = {tuple(self.size)}: (height, width), both above 0")

    @property
    def centre_mm(self) -> Float[Tensor, "3"]:
        """Where the camera is in the world."""
        return -self.world_to_camera[:3, :3].mT @ self.world_to_camera[:3, 3]
