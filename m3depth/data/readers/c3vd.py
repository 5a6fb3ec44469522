"""C3VD: colonoscopy videos of a phantom with depth and poses from a registered model."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.geometry.fisheye import FisheyeCamera, undistort_depth, undistort_image
from m3depth.geometry.plausible import require_plausible
from m3depth.io.calibration_text import as_matrix, as_pose, read_rows
from m3depth.io.images import read_depth, read_image, resize_image
from m3depth.io.listing import chosen, folders_with
from m3depth.log import warn_once
from m3depth.types import StereoBatch

# python/exampleDataLoader.py of DurrLab/C3VD: one endoscope for all videos
CAMERA = FisheyeCamera(
    width=1350,
    height=1080,
    cx=678.544839263292,
    cy=542.975887548343,
    a0=769.243600037458,
    a2=-0.000812770624150226,
    a3=6.25674244578925e-07,
    a4=-1.19662182144280e-09,
    c=0.999986882249990,
    d=0.00288273829525059,
    e=-0.00296316513429569,
)
FARTHEST_MM = 100.0
CLIPPED = 65535  # raw depth that says "100 mm or more"


class C3VDFrame(NamedTuple):
    """One picture, where its depth lies, and the pose of its camera."""

    key: str
    colour: Path
    depth: Path
    camera_to_world: Float[Tensor, "4 4"]


class C3VDVideos(Dataset[StereoBatch]):
    """Undistorted frames of the registered videos, for tests: a monocular set has no right view.

    On disk, as released::

        ROOT/VIDEO/NNNN_color.png     1350x1080, fisheye; cecum_t1_a's numbers are not padded
        ROOT/VIDEO/NNNN_depth.tiff    16 bit: value / 65535 · 100 mm along z; 0 and 65535 unknown
        ROOT/VIDEO/pose.txt           a line per frame, 16 numbers: camera-to-world *transposed*
        ROOT/VIDEO/NNNN_normals.tiff, NNNN_flow.tiff, NNNN_occlusion.png, coverage_mesh.obj: unread

    ``ROOT`` may also be one video, or lie a few levels above them. Every frame becomes the picture
    of `FisheyeCamera.pinhole`; a frame's key is ``VIDEO/NNNN``, four digits.

    Args:
        root: The folder of the videos.
        size: (height, width) of the images and the rig; None keeps 1080 x 1350.
        videos: Names of folders to use; all when empty.
        baseline_mm: Of the rig that the network was trained on: it makes millimetres of the
            network's disparity. 0 = not calibrated.
        repeat: How often each frame comes up in one epoch.
        camera: The lens of all videos.

    Raises:
        DataError: No video there, a video without poses or depth, or a line of ``pose.txt``
            that is not a pose.
    """

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        videos: Collection[str] = (),
        baseline_mm: float = 0.0,
        repeat: int = 1,
        camera: FisheyeCamera = CAMERA,
    ) -> None:
        self.size = None if size is None else (size[0], size[1])
        self.camera, self.repeat = camera, repeat
        self.rig = camera.pinhole(baseline_mm)
        require_plausible(self.rig, (camera.height, camera.width), f"{root}: baseline_mm")
        folders = chosen(folders_with(Path(root), "*_color.png"), videos, Path(root))
        self.frames = [frame for name, folder in folders.items() for frame in _frames(name, folder)]

    def __len__(self) -> int:
        return len(self.frames) * self.repeat

    def __getitem__(self, index: int) -> StereoBatch:
        """One frame without its right view, depth at the pinhole's own resolution."""
        frame = self.frames[range(len(self))[index] % len(self.frames)]
        native = (self.camera.height, self.camera.width)
        size = self.size or native
        image = read_image(frame.colour)
        _check_size(frame.colour, image, native)
        return StereoBatch(
            left=resize_image(undistort_image(image, self.camera), size),
            rig=self.rig.resized(native, size),
            key=frame.key,
            depth_mm=undistort_depth(self._depth_mm(frame.depth, native), self.camera),
            camera_to_world=frame.camera_to_world,
        )

    @staticmethod
    def _depth_mm(path: Path, native: tuple[int, int]) -> Float[Tensor, "1 h w"]:
        raw = read_depth(path)
        _check_size(path, raw, native)
        return torch.where(raw < CLIPPED, raw * (FARTHEST_MM / CLIPPED), 0.0)


def _frames(name: str, folder: Path) -> list[C3VDFrame]:
    colours, depths = _numbered(folder, "color.png"), _numbered(folder, "depth.tiff")
    poses = _read_poses(folder / "pose.txt")
    usable = sorted(n for n in colours.keys() & depths.keys() if n < len(poses))
    if not usable:
        raise DataError(f"{folder}: no frame has colour, depth and pose; copy the video again")
    if len({len(usable), len(colours), len(depths), len(poses)}) > 1:
        warn_once(
            f"{folder}: {len(colours)} colour images, {len(depths)} depth maps and {len(poses)} "
            f"poses; the {len(usable)} frames that have all three are used"
        )
    return [C3VDFrame(f"{name}/{n:04d}", colours[n], depths[n], poses[n]) for n in usable]


def _numbered(folder: Path, ending: str) -> dict[int, Path]:
    found = ((re.fullmatch(rf"(\d+)_{ending}", p.name), p) for p in folder.iterdir())
    return {int(match[1]): path for match, path in found if match}


def _read_poses(path: Path) -> list[Float[Tensor, "4 4"]]:
    poses = [as_matrix(row, (4, 4), f"{path}, pose {n}") for n, row in enumerate(read_rows(path))]
    for n, pose in enumerate(poses):
        if not np.allclose(pose[:, 3], [0, 0, 0, 1]):
            raise DataError(f"{path}, pose {n}: not *transposed* as C3VD's are; copy it again")
    upright = [as_pose(pose.T, f"{path}, pose {n}") for n, pose in enumerate(poses)]
    return [torch.from_numpy(pose.copy()).float() for pose in upright]


def _check_size(path: Path, image: Tensor, native: tuple[int, int]) -> None:
    if image.shape[-2:] != native:
        (height, width), said = image.shape[-2:], native
        raise DataError(
            f"{path}: {width}x{height}, but the lens is known for {said[1]}x{said[0]}; "
            "use the files as released"
        )
