"""One of SCARED's sequences: what its files hold of each moment, before any rectification."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from m3depth.errors import DataError
from m3depth.geometry.rectification import StereoCalibration
from m3depth.io.calibration_text import as_pose
from m3depth.io.images import read_picture
from m3depth.io.members import Members, find_members
from m3depth.io.numpy_files import Array
from m3depth.io.opencv_yaml import read_matrices
from m3depth.io.video import Video, stacked
from m3depth.log import warn_once

YAML_KEYS = ("M1", "M2", "D1", "D2", "R", "T")
SIDES = ("Left", "Right")
JSON_KEYS = ("KL", "KR", "DL", "DR", "R", "T")


class Moment(NamedTuple):
    """Both cameras' pictures of one moment as they are, and what is known of them."""

    key: str
    left: Array  # uint8 h w 3, BGR
    right: Array
    calibration: StereoCalibration
    points_mm: Array | None  # float32 h w 3, XYZ in the left camera
    world_to_camera: Array | None  # 4 4


@dataclass(frozen=True)
class Still:
    """A keyframe: two pictures and a depth map."""

    name: str
    folder: Path
    numbers: Sequence[int] = (0,)
    has_poses: bool = False

    def moment(self, frame: int, truth: bool) -> Moment:
        """The one there is."""
        left, right = (read_picture(self.folder / f"{side}_Image.png") for side in SIDES)
        calibration = calibration_of(self.folder, (left.shape[0], left.shape[1]))
        calibration.check_size((right.shape[0], right.shape[1]), f"{self.folder}/Right_Image.png")
        depth_map, points = self.folder / "left_depth_map.tiff", None
        if truth and depth_map.is_file():
            points = read_points(depth_map.read_bytes(), str(depth_map))
        elif truth:
            warn_once(f"{depth_map}: not there; the depth of {self.name} is unknown")
        return Moment(f"{self.name}/Left_Image", left, right, calibration, points, None)


@dataclass(frozen=True)
class VideoSequence:
    """A video with, where they are there, calibrations and poses, and points of each frame."""

    name: str
    folder: Path
    count: int
    video: Video
    frame_data: Members | None = field(repr=False)
    points: Members | None = field(repr=False)

    @classmethod
    def of(cls, name: str, folder: Path, truth: bool) -> "VideoSequence":
        """The sequence in a folder; ``truth`` says whether its points are wanted."""
        data = folder / "data"
        video = Video(data / "rgb.mp4")
        frame_data = find_members(data, "frame_data", ".json")
        points = find_members(data, "scene_points", ".tiff") if truth else None
        if truth and points is None:
            warn_once(f"{data}: no scene_points; the depth of {name} is unknown")
        parts = {"frame_data": frame_data, "scene_points": points}
        counts = {part: found.count() for part, found in parts.items() if found is not None}
        known = {"rgb.mp4": len(video)} | {p: c for p, c in counts.items() if c is not None}
        count = min(known.values())
        if count < max(known.values()):
            shown = ", ".join(f"{part} has {c}" for part, c in known.items())
            warn_once(f"{name}: {shown} frames; the first {count} are used")
        return cls(name, folder, count, video, frame_data, points)

    @property
    def numbers(self) -> Sequence[int]:
        """The frames that there are, from 0."""
        return range(self.count)

    @property
    def has_poses(self) -> bool:
        """Whether `Moment.world_to_camera` is known."""
        return self.frame_data is not None

    def moment(self, frame: int, truth: bool) -> Moment:
        """A frame of the video."""
        left, right = stacked(self.video[frame])
        calibration, pose = self._camera(frame, (left.shape[0], left.shape[1]))
        points = self._points(frame, calibration) if truth else None
        return Moment(f"{self.name}/{frame:06d}", left, right, calibration, points, pose)

    def _camera(self, frame: int, size: tuple[int, int]) -> tuple[StereoCalibration, Array | None]:
        """Both cameras, and the way from the world to the left one."""
        if self.frame_data is None:
            return calibration_of(self.folder, size), None
        where = f"{self.frame_data.path}, frame {frame}"
        try:
            content = json.loads(self.frame_data.read(frame) or b"")
            said = content["camera-calibration"]
            parts = [np.array(said[key], dtype=np.float64) for key in JSON_KEYS]
            pose = content["camera-pose"]
        except KeyError as error:
            raise DataError(f"{where}: {error.args[0]} missing; a calibration has it") from None
        except (ValueError, TypeError) as error:
            raise DataError(f"{where}: not the JSON of a frame ({error})") from None
        return _calibration(parts, size, where), as_pose(pose, f"{where}, camera-pose")

    def _points(self, frame: int, calibration: StereoCalibration) -> Array | None:
        content = self.points.read(frame) if self.points is not None else None
        if self.points is None or content is None:
            if self.points is not None:
                warn_once(f"{self.points.path}: ends before the video; later depth is unknown")
            return None
        return read_points(content, f"{self.points.path}, frame {frame}")[: calibration.size[0]]


@lru_cache(maxsize=64)
def calibration_of(folder: Path, size: tuple[int, int]) -> StereoCalibration:
    """A sequence's ``endoscope_calibration.yaml``, for pictures of a (height, width)."""
    path = folder / "endoscope_calibration.yaml"
    matrices = read_matrices(path, YAML_KEYS)
    return _calibration([matrices[key] for key in YAML_KEYS], size, str(path))


def _calibration(parts: list[Array], size: tuple[int, int], where: str) -> StereoCalibration:
    k_left, k_right, bent_left, bent_right, rotation, translation = parts
    return StereoCalibration.of(
        (k_left, k_right), (bent_left, bent_right), rotation, translation, size, where
    )


def read_points(content: bytes, where: str) -> Array:
    """A TIFF of float XYZ in mm, (h, w, 3); a `DataError` where it is damaged or another kind."""
    import tifffile

    try:
        points: Array = tifffile.imread(io.BytesIO(content))
    except (tifffile.TiffFileError, ValueError, OSError, EOFError, IndexError, KeyError) as error:
        raise DataError(f"{where}: truncated or not a TIFF ({error}); copy it again") from None
    if points.ndim != 3 or points.shape[2] != 3 or points.dtype.kind != "f":
        raise DataError(f"{where}: {points.dtype} of shape {points.shape}; expected float XYZ")
    return points.astype(np.float32, copy=False)
