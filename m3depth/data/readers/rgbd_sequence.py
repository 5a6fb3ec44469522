"""A video of one camera in files, with poses and sensor depth, as deep-video-mvs keeps it."""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.rectified_files import FrameFiles, RectifiedFiles
from m3depth.errors import DataError
from m3depth.io.calibration_text import as_matrix, as_pose, read_rows, read_text
from m3depth.io.images import IMAGE_SUFFIXES, check_alike, read_depth
from m3depth.io.listing import files_by_name
from m3depth.log import warn_once
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig


class RgbdSequence(RectifiedFiles):
    """Frames of one camera, each with its pose, and depth where the sensor gave some.

    On disk::

        ROOT/images/NAME.png
             depth/NAME.png   optional: uint16 in mm, 0 = unknown
             K.txt            3x3, at the images' size
             poses.txt        a line per frame: NAME and 16 numbers, camera to world, in metres
    """

    endoscope = False

    def __init__(
        self, root: str | Path, size: Sequence[int] | None, truth: bool = True, repeat: int = 1
    ) -> None:
        """List the frames; those without a pose are left out, which is said.

        Args:
            root: The folder.
            size: (height, width) of the images given out; None keeps their own.
            truth: Whether samples carry ``depth_mm``.
            repeat: How often each frame comes up in one epoch.

        Raises:
            DataError: A file is missing or wrong, or no frame has a pose.
        """
        folder = Path(root)
        images = files_by_name(folder / "images", IMAGE_SUFFIXES)
        depths = files_by_name(folder / "depth", IMAGE_SUFFIXES, required=False) if truth else {}
        k = as_matrix(read_rows(folder / "K.txt"), (3, 3), f"{folder / 'K.txt'}")
        rig = StereoRig.monocular(k[0, 0], k[1, 1], k[0, 2], k[1, 2])
        self._poses = _read_poses(folder / "poses.txt", folder.resolve().name)
        keys = {f"{folder.resolve().name}/{name}": name for name in images}
        posed = {key: name for key, name in keys.items() if key in self._poses}
        if not posed:
            raise DataError(f"{folder}/poses.txt: names none of the images")
        if len(posed) < len(keys):
            warn_once(f"{folder}: {len(keys) - len(posed)} of {len(keys)} images have no pose")
        frames = [
            FrameFiles(key, images[name], None, rig, None, depths.get(name))
            for key, name in posed.items()
        ]
        super().__init__(frames, size, repeat)

    def _complete(
        self, sample: StereoBatch, frame: FrameFiles, left: Float[Tensor, "3 h w"]
    ) -> None:
        sample["camera_to_world"] = self._poses[frame.key]
        if frame.truth is not None:
            sample["depth_mm"] = read_depth(frame.truth)
            check_alike(frame.truth, sample["depth_mm"], "the image", left)


def _read_poses(path: Path, video: str) -> dict[str, Float[Tensor, "4 4"]]:
    """By the frames' keys, in mm."""
    poses = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        name, *numbers = line.split() or [""]
        if not name:
            continue
        try:
            values = [float(word) for word in numbers]
        except ValueError as error:
            raise DataError(f"{path}, line {number}: not numbers ({error})") from None
        pose = as_pose(values, f"{path}, line {number}").copy()
        pose[:3, 3] *= 1000
        poses[f"{video}/{name}"] = torch.from_numpy(pose).float()
    return poses
