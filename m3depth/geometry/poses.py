"""Camera axes of the programs that read our poses; here they are OpenCV's."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

DECIMALS = 12  # beyond these are the rounding errors of the inversion


@dataclass(frozen=True)
class PoseConvention:
    """How a target names a camera's axes.

    Attributes:
        name: What the export's metadata says.
        axes: For each of the target's axes its direction in OpenCV's (right, down, forward).
    """

    name: str
    axes: tuple[tuple[int, int, int], ...]

    def from_opencv(self, camera_to_world: Float[Tensor, "4 4"]) -> Float[Tensor, "3 4"]:
        """The same camera-to-world pose, its rotation's columns being the target's axes."""
        return (camera_to_world @ self._axes(camera_to_world))[:3]

    def from_first(self, camera_to_world: Float[Tensor, "n 4 4"]) -> Float[Tensor, "n 3 4"]:
        """The poses in the world of the first camera, which is turned with the target's axes.

        So the first one, and every other one of a camera that stands still, is the identity.
        """
        axes = self._axes(camera_to_world)
        relative = torch.linalg.inv(camera_to_world[:1]) @ camera_to_world
        poses = torch.round(axes.T @ relative @ axes, decimals=DECIMALS)
        return poses[:, :3] + 0.0  # no -0.0

    def to_opencv(self, poses: Float[Tensor, "n 3 4"]) -> Float[Tensor, "n 4 4"]:
        """Camera-to-world poses of a target's file in OpenCV's axes, and their world with them."""
        axes = self._axes(poses)
        last_row = torch.eye(4, dtype=poses.dtype)[3:].expand(len(poses), 1, 4)
        return axes @ torch.cat([poses, last_row], dim=1) @ axes.T

    def _axes(self, like: Tensor) -> Float[Tensor, "4 4"]:
        """From the target's axes to OpenCV's, as a pose."""
        axes = torch.eye(4, dtype=like.dtype)
        axes[:3, :3] = torch.tensor(self.axes, dtype=like.dtype).T
        return axes


def opencv() -> PoseConvention:
    """Right, down, forward: Deform3DGS where the path holds ``stereo_``, COLMAP."""
    return PoseConvention("opencv", ((1, 0, 0), (0, 1, 0), (0, 0, 1)))


def opengl() -> PoseConvention:
    """Right, up, back: EndoGaussian, SurgicalGS, Deform3DGS, nerfstudio."""
    return PoseConvention("opengl", ((1, 0, 0), (0, -1, 0), (0, 0, -1)))


def llff() -> PoseConvention:
    """Down, right, back: LLFF's own files, EndoNeRF where it permutes the columns."""
    return PoseConvention("llff", ((0, 1, 0), (1, 0, 0), (0, 0, -1)))


def gsharp() -> PoseConvention:
    """Up, right, forward: what gsplat's surgical trainer turns into OpenCV's axes.

    Its reader permutes the columns as LLFF's are, which leaves right, up, back; but its
    unprojection and its rasteriser take them for right, down, forward (gsplat,
    ``examples/datasets/endonerf.py``, ``examples/dynamic_surgical_trainer.py`` and
    ``gsplat/init_utils.py``). LLFF's own axes would look backwards: harmless while the camera
    stands still, wrong once it moves.
    """
    return PoseConvention("gsharp", ((0, -1, 0), (1, 0, 0), (0, 0, 1)))


def convention_named(name: str) -> PoseConvention | None:
    """The convention that the metadata call so; None where none does."""
    known = (opencv(), opengl(), llff(), gsharp())
    return next((one for one in known if one.name == name), None)
