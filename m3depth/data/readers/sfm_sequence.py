"""A video of one endoscope with poses by structure from motion, as sinus endoscopies come.

The layout of github.com/lppllppl920/EndoscopyDepthEstimation-Pytorch (Liu et al. 2020).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import yaml
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from m3depth.data.rectified_files import FrameFiles, RectifiedFiles
from m3depth.errors import DataError
from m3depth.io.calibration_text import as_matrix, read_rows, read_text
from m3depth.io.images import check_alike, read_mask
from m3depth.log import warn_once
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig


class SfmSequence(RectifiedFiles):
    """Frames with poses that have no scale: one unit of ``camera_to_world`` is any length.

    On disk::

        ROOT/00004584.jpg                undistorted
             camera_intrinsics_per_view  fx fy cx cy, at the images' size
             motion.yaml                 poses[]: position and orientation, camera to world
             visible_view_indexes        the number of each pose's frame
             undistorted_mask.jpg        white inside the round picture; the rest is ``ignore``
             structure.ply and others: not read
    """

    def __init__(self, root: str | Path, size: Sequence[int] | None, repeat: int = 1) -> None:
        """List the frames that are there and have a pose.

        Args:
            root: The folder.
            size: (height, width) of the images given out; None keeps their own.
            repeat: How often each frame comes up in one epoch.

        Raises:
            DataError: A file is missing or wrong, or no frame is there.
        """
        folder = Path(root)
        fx, fy, cx, cy = _first_four(folder / "camera_intrinsics_per_view")
        rig = StereoRig.monocular(fx, fy, cx, cy)
        poses = _read_poses(folder)
        self._poses = {f"{folder.resolve().name}/{n:08d}": pose for n, pose in poses.items()}
        self._seen = folder / "undistorted_mask.jpg"
        files = {n: folder / f"{n:08d}.jpg" for n in poses}
        there = [n for n, path in files.items() if path.is_file()]
        if not there:
            raise DataError(f"{folder}: none of the {len(files)} frames of motion.yaml is there")
        if len(there) < len(files):
            warn_once(f"{folder}: {len(there)} of the {len(files)} frames with a pose are there")
        keys = {n: f"{folder.resolve().name}/{n:08d}" for n in there}
        frames = [FrameFiles(key, files[n], None, rig) for n, key in keys.items()]
        super().__init__(frames, size, repeat)

    def _complete(
        self, sample: StereoBatch, frame: FrameFiles, left: Float[Tensor, "3 h w"]
    ) -> None:
        sample["camera_to_world"] = self._poses[frame.key]
        if self._seen.is_file():
            outside = ~read_mask(self._seen)
            check_alike(self._seen, outside, "the image", left)
            size = sample["left"].shape[-2:]
            share = functional.interpolate(outside[None].float(), size, mode="area")[0]
            sample["ignore"] = share > 0


def _first_four(path: Path) -> list[float]:
    """A number on each line, of all frames or of each: they are alike."""
    numbers = [number for row in read_rows(path) for number in row]
    fx, fy, cx, cy = as_matrix(numbers[:4], (1, 4), str(path))[0]
    return [fx, fy, cx, cy]


def _read_poses(folder: Path) -> dict[int, Float[Tensor, "4 4"]]:
    """Camera to world in OpenCV's axes, by the frames' numbers."""
    from scipy.spatial.transform import Rotation

    path, numbered = folder / "motion.yaml", folder / "visible_view_indexes"
    numbers = [int(row[0]) for row in read_rows(numbered)]
    try:
        said = yaml.safe_load(read_text(path))["poses[]"]
        rows = [said[f"poses[{place}]"] for place in range(len(numbers))]
        places = np.array([[row["position"][a] for a in "xyz"] for row in rows], np.float64)
        turns = np.array([[row["orientation"][a] for a in "xyzw"] for row in rows], np.float64)
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: no poses of {len(numbers)} frames ({error})") from None
    poses = np.tile(np.eye(4), (len(numbers), 1, 1))
    poses[:, :3, 3], poses[:, :3, :3] = places, Rotation.from_quat(turns).as_matrix()
    return {n: torch.from_numpy(pose).float() for n, pose in zip(numbers, poses, strict=True)}
