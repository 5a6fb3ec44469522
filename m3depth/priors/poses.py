"""Camera axes of the programs that read our poses; here they are OpenCV's."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


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
        columns = torch.tensor(self.axes, dtype=camera_to_world.dtype).T
        rotation = camera_to_world[:3, :3] @ columns
        return torch.cat([rotation, camera_to_world[:3, 3:]], dim=1)


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
