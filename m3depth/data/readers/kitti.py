"""KITTI stereo 2015: driving scenes, for comparison with something other than surgery."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.rectified_files import FrameFiles, RectifiedFiles, of_view
from m3depth.errors import DataError
from m3depth.io.calibration_text import Matrix, as_matrix, read_text, require_rectified
from m3depth.io.images import IMAGE_SUFFIXES, read_depth
from m3depth.io.listing import files_by_name, folders_with, frame_number, matched_files
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.types.disparity import depth_from_disparity

UNITS_PER_PX = 256  # of the 16-bit disparity maps


class KittiStereo(RectifiedFiles):
    """Rectified pairs of 200 scenes, two a scene, the first of them with disparity by lidar.

    On disk, images, disparity and calibration unpacked into one folder::

        ROOT/training/image_2/000000_10.png       left; 000000_11.png is the next moment
                      image_3/000000_10.png       right
                      disp_occ_0/000000_10.png    left disparity, uint16, px·256, 0 = unknown
                      disp_noc_0/000000_10.png    the same where both cameras see the point
                      calib_cam_to_cam/000000.txt P_rect_02 and P_rect_03, in px and metres
        ROOT/testing/...                          no disparity

    The baseline is the difference of both P's, in millimetres here. A frame's key is
    ``training/000000/10``: every scene is a video of its own.

    Args:
        root: the folder that holds ``training`` and ``testing``.
        size: (height, width) of the images given out; None keeps their own, which differ.
        split: ``training`` or ``testing``, a folder's name.
        truth: only the pairs with disparity, with their depth; otherwise all, without.
        repeat: how often each pair comes up in one epoch.

    Raises:
        DataError: a folder or file is missing, or a calibration is wrong.
    """

    endoscope: ClassVar[bool] = False

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        split: str = "training",
        truth: bool = True,
        repeat: int = 1,
    ) -> None:
        views = [f"{split}/image_2", f"{split}/image_3"]
        top = folders_with(Path(root), *views)[0]
        pairs = matched_files([top / view for view in views], IMAGE_SUFFIXES)
        disparity = top / split / "disp_occ_0"
        known = files_by_name(disparity, IMAGE_SUFFIXES) if truth else {}
        frames = [
            _frame(left, right, top / split, known.get(left.stem))
            for left, right in pairs
            if not truth or left.stem in known
        ]
        if not frames:
            raise DataError(f"{disparity}: no disparity of any image in {views[0]}")
        super().__init__(frames, size, repeat)

    def _complete(
        self, sample: StereoBatch, frame: FrameFiles, left: Float[Tensor, "3 h w"]
    ) -> None:
        if frame.truth is None or frame.mask is None:
            return
        disparity_px = of_view(read_depth, frame.truth, left) / UNITS_PER_PX
        depth_mm = depth_from_disparity(disparity_px, frame.rig)
        sample["depth_mm"] = torch.where(disparity_px > 0, depth_mm, 0.0)
        seen_by_both = of_view(read_depth, frame.mask, left) > 0
        sample["occluded"] = (disparity_px > 0) & ~seen_by_both


def _frame(left: Path, right: Path, folder: Path, truth: Path | None) -> FrameFiles:
    scene, _, moment = frame_number(left.stem).partition("_")
    if not (scene.isdecimal() and moment.isdecimal()):
        raise DataError(f"{left}: files are called 000000_10.png, scene and moment; take it out")
    rig, size = _read_calibration(folder / "calib_cam_to_cam" / f"{int(scene):06d}.txt")
    mask = truth and folder / "disp_noc_0" / truth.name
    key = f"{folder.name}/{int(scene):06d}/{moment}"
    return FrameFiles(key, left, right, rig, size, truth, mask)


def _read_calibration(path: Path) -> tuple[StereoRig, tuple[int, int]]:
    lines = (line.split(":", 1) for line in read_text(path).splitlines() if ":" in line)
    entries = {key.strip(): text.split() for key, text in lines}

    def matrix(key: str, shape: tuple[int, int]) -> Matrix:
        if key not in entries:
            raise DataError(f"{path}: missing {key}; copy the file again")
        return as_matrix(entries[key], shape, f"{path}: {key}")

    left, right = matrix("P_rect_02", (3, 4)), matrix("P_rect_03", (3, 4))
    require_rectified(left, right, f"{path}: P_rect_02 and P_rect_03")
    width, height = matrix("S_rect_02", (1, 2))[0]
    if left[0, 0] <= 0:
        raise DataError(f"{path}: P_rect_02 has focal length {left[0, 0]:g}; it must be positive")
    baseline_mm = 1000 * (left[0, 3] / left[0, 0] - right[0, 3] / right[0, 0])
    if baseline_mm <= 0:
        raise DataError(f"{path}: baseline {baseline_mm:g} mm; P_rect_03 is not the right camera's")
    rig = StereoRig.of(left[0, 0], left[1, 1], left[0, 2], left[1, 2], right[0, 2], baseline_mm)
    return rig, (int(height), int(width))
