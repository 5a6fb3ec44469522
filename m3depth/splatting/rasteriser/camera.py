"""The camera that draws a picture."""

from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.types.camera import StereoRig

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

    @classmethod
    def of(
        cls, rig: StereoRig, camera_to_world: Float[Tensor, "4 4"], size: tuple[int, int]
    ) -> Self:
        """The left camera of a rig at ``size``, at a pose in mm."""
        rotation, centre = camera_to_world[:3, :3], camera_to_world[:3, 3]
        world_to_camera = torch.eye(4).to(camera_to_world)
        world_to_camera[:3, :3] = rotation.mT
        world_to_camera[:3, 3] = -rotation.mT @ centre
        return cls(rig.matrix(), world_to_camera, size)

    @property
    def centre_mm(self) -> Float[Tensor, "3"]:
        """Where the camera is in the world."""
        return -self.world_to_camera[:3, :3].mT @ self.world_to_camera[:3, 3]
