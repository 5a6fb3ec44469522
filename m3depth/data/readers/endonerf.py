"""EndoNeRF: short clips of robotic surgery from one fixed viewpoint."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from m3depth.data.rectified_files import FrameFiles, RectifiedFiles, of_view
from m3depth.errors import DataError
from m3depth.geometry.poses import convention_named
from m3depth.io.calibration_text import read_json
from m3depth.io.files import META
from m3depth.io.images import IMAGE_SUFFIXES, read_depth, read_mask
from m3depth.io.listing import chosen, folders_with, matched_files
from m3depth.io.poses_bounds import PosesBounds
from m3depth.log import warn_once
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig


class EndoNerf(RectifiedFiles):
    """Left images of clips, with tool masks and depth that a stereo network computed.

    On disk (names are numbers, in any style)::

        ROOT/CLIP/images/000000.png
                  masks/000000.png     optional: not 0 = an instrument
                  depth/000000.png     optional: by STTR-light, in a unit that is not documented
                  poses_bounds.npy     (or pose_bounds.npy) n x 17: 3x5 [R|t|h w f], near, far

    The sets' right images are not in this layout: samples are monocular. The file has a focal
    length and no principal point; the set's public loaders take half the width and height, and
    so does this one. The clips' camera stands still (all poses are alike), which samples give as
    ``camera_to_world``, the identity. Poses that differ are refused, as their axes are not known;
    but of an export of ours ``depth_meta.json`` names them.

    Args:
        root: the folder of the clips, or one clip.
        clips: names of folders; all when empty.
        baseline_mm: of the rig that the network was trained on; 0 = not calibrated.
        depth_unit_mm: millimetres in one unit of the depth files; None leaves depth out.
        size, repeat: See `ListedFrames`.
        without_poses: take a clip whose camera moves, too, as if it stood still.

    Raises:
        DataError: a folder or file is missing, or the poses have another shape or differ.
    """

    def __init__(
        self,
        root: str | Path,
        size: Sequence[int] | None,
        clips: Collection[str] = (),
        baseline_mm: float = 0.0,
        depth_unit_mm: float | None = None,
        repeat: int = 1,
        without_poses: bool = False,
    ) -> None:
        self.depth_unit_mm = depth_unit_mm
        folders = chosen(folders_with(Path(root), "images", "pose*_bounds.npy"), clips, Path(root))
        self._poses: dict[str, Float[Tensor, "4 4"]] = {}
        frames: list[FrameFiles] = []
        for name, folder in folders.items():
            rig, native, poses = _read_camera(folder, baseline_mm)
            if poses is None:
                _tell_moving(folder, without_poses)
            wanted = ["images", "depth"] if depth_unit_mm is not None else ["images"]
            masks = ["masks"] if (folder / "masks").is_dir() else []
            files = matched_files([folder / part for part in wanted + masks], IMAGE_SUFFIXES)
            if poses is not None:
                self._poses |= _by_key(name, folder, [image.stem for image, *_ in files], poses)
            for image, *others in files:
                depth = others[0] if depth_unit_mm is not None else None
                tool = others[-1] if masks else None
                key = f"{name}/{image.stem}"
                frames.append(FrameFiles(key, image, None, rig, native, depth, tool))
        super().__init__(frames, size, repeat)

    def _complete(
        self, sample: StereoBatch, frame: FrameFiles, left: Float[Tensor, "3 h w"]
    ) -> None:
        if frame.key in self._poses:
            sample["camera_to_world"] = self._poses[frame.key]
        if frame.truth is not None and self.depth_unit_mm is not None:
            depth = of_view(read_depth, frame.truth, left, "the image")
            sample["depth_mm"] = depth * self.depth_unit_mm
        if frame.mask is not None:
            tool = of_view(read_mask, frame.mask, left, "the image")
            size = sample["left"].shape[-2:]
            sample["tool"] = functional.interpolate(tool[None].float(), size, mode="area")[0] > 0


def _tell_moving(folder: Path, without_poses: bool) -> None:
    line = f"{folder}: the camera moves, in axes that the file does not name"
    if not without_poses:
        raise DataError(
            f"{line}, so that its poses cannot be carried on; data.test.without_poses=true reads "
            "the pictures as if the camera stood still"
        )
    warn_once(f"{line}: its poses are left out, and an export takes it for a still one")


def _by_key(
    clip: str, folder: Path, names: Sequence[str], poses: Float[Tensor, "n 4 4"]
) -> dict[str, Float[Tensor, "4 4"]]:
    if (poses == poses[0]).all():
        poses = poses[:1].expand(len(names), 4, 4)
    if len(poses) != len(names):
        raise DataError(f"{folder}: {len(names)} images, but {len(poses)} poses; each needs one")
    return {f"{clip}/{name}": pose for name, pose in zip(names, poses, strict=True)}


def _read_camera(
    folder: Path, baseline_mm: float
) -> tuple[StereoRig, tuple[int, int], Float[Tensor, "n 4 4"] | None]:
    """Its rig, the size that this is of, and poses, where they are known."""
    path = next(folder.glob("pose*_bounds.npy"))
    cameras = PosesBounds.read(path)
    if not all(np.isfinite(values).all() for values in cameras):
        raise DataError(f"{path}: NaN or infinity in it; LLFF's poses and bounds are numbers")
    height, width, focal = (float(number) for number in cameras.columns[0])
    if min(height, width, focal) <= 0:
        raise DataError(f"{path}: height, width and focal length must be positive, in pixels")
    cx, cy = (float(value) for value in cameras.intrinsics[:2, 2])
    rig = StereoRig.of(focal, focal, cx, cy, cx, baseline_mm)
    return rig, (round(height), round(width)), _poses(folder, cameras)


def _poses(folder: Path, cameras: PosesBounds) -> Float[Tensor, "n 4 4"] | None:
    """Camera-to-world in OpenCV's axes and mm; None where the camera moves in unknown axes."""
    if np.allclose(cameras.poses, cameras.poses[0]):
        return torch.eye(4).expand(len(cameras.poses), 4, 4)
    meta = read_json(folder / META) if (folder / META).is_file() else {}
    axes, unit_mm = convention_named(str(meta.get("pose_convention"))), meta.get("unit_mm")
    if axes is None or not isinstance(unit_mm, int | float):
        return None
    return cameras.camera_to_world(axes, unit_mm).float()
