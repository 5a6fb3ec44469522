"""Cameras of scenes that m3depth did not write."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.poses import PoseConvention, opencv
from m3depth.io.poses_bounds import POSES, PosesBounds
from m3depth.priors.sound import pose_faults, stop_at
from m3depth.validation import require_number

AXES = '"foreign.pose_convention={_target_: m3depth.geometry.poses.opengl}"'  # as a shell takes it


@dataclass(frozen=True)
class ForeignScene:
    """What a scene of EndoNeRF's layout leaves open when m3depth did not write it.

    Attributes:
        depth_unit_mm: Millimetres in one unit of the depth files and of the translations.
        pose_convention: The axes of its poses; only needed where the camera moves.

    Raises:
        ConfigError: no such unit, or axes by a name alone.
    """

    depth_unit_mm: float | None = None
    pose_convention: PoseConvention | None = None

    def __post_init__(self) -> None:
        if self.depth_unit_mm is not None:
            require_number("foreign.depth_unit_mm", self.depth_unit_mm, 1e-6)
        if not isinstance(self.pose_convention, PoseConvention | None):
            raise ConfigError(
                f"foreign.pose_convention={self.pose_convention}: set {AXES} (or opencv, llff)"
            )


class ForeignCameras(NamedTuple):
    """What ``poses_bounds.npy`` says, and the unit of the scene."""

    poses: Float[Tensor, "n 4 4"]  # camera-to-world, OpenCV axes, mm
    intrinsics: Float[Tensor, "3 3"]
    size: tuple[float, float]  # (height, width) that K is of
    unit_mm: float


def foreign_cameras(folder: Path, foreign: ForeignScene) -> ForeignCameras:
    """The poses and the one K of ``poses_bounds.npy``, as EndoNeRF's readers take it.

    A camera that stands still is the identity, whatever its axes.

    Raises:
        DataError: nobody says the unit; the file is missing or of another shape; the camera moves
            and nobody names its axes.
    """
    unit_mm, path = foreign.depth_unit_mm, folder / POSES
    if unit_mm is None:
        raise DataError(
            f"{folder}: nobody says what one unit of its depth is (no depth_meta.json): set "
            "foreign.depth_unit_mm=MILLIMETRES"
        )
    cameras = PosesBounds.read(path)
    height, width, _ = cameras.columns[0].tolist()
    if cameras.still:
        still = cameras.camera_to_world(opencv(), unit_mm)
        stop_at(str(path), pose_faults(still[0]))
        poses = torch.eye(4).expand(still.shape)
    elif foreign.pose_convention is None:
        raise DataError(
            f"{path}: the camera moves, and the same file means three things to its readers: set "
            f"{AXES} (or opencv, llff)"
        )
    else:
        poses = cameras.camera_to_world(foreign.pose_convention, unit_mm).float()
    return ForeignCameras(poses, cameras.intrinsics.float(), (height, width), unit_mm)


def require_size(folder: Path, cameras: ForeignCameras, size: tuple[int, int]) -> None:
    """Stop at a K that is not of the images' size.

    Raises:
        DataError: ``poses_bounds.npy`` has another (height, width) than the images.
    """
    if cameras.size != size:
        (height, width), (rows, columns) = cameras.size, size
        raise DataError(
            f"{folder / POSES}: is of images of {width:g}x{height:g}, here they are "
            f"{columns}x{rows}: write H, W and the focal length of these images into its fifth "
            "column (Deform3DGS's stereo_ layout has cy, cx there; splat reads EndoNeRF's)"
        )
