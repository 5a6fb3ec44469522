"""SCARED-C: SCARED with the videos' poses estimated anew by COLMAP, and depth carried by them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from m3depth.data.readers.scared import Scared
from m3depth.data.readers.scared_sequence import VideoSequence, calibration_of, read_points
from m3depth.errors import DataError
from m3depth.geometry.rectification import StereoCalibration
from m3depth.io.calibration_text import as_pose
from m3depth.io.members import Members, find_members
from m3depth.io.numpy_files import Array
from m3depth.io.video import Video
from m3depth.log import warn_once


@dataclass(frozen=True)
class CorrectedSequence(VideoSequence):
    """A video of which COLMAP placed some frames: only those count.

    The release numbers frames from 1 (``ffmpeg`` wrote them so); here they are counted from 0.
    """

    included: tuple[int, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, name: str, folder: Path, truth: bool) -> "CorrectedSequence":
        """The sequence in a folder."""
        data, video = folder / "data", Video(folder / "data" / "rgb.mp4")
        placed = _included(folder / "frame_log.json")
        included = tuple(number for number in placed if number < len(video))
        if len(included) < len(placed):
            warn_once(
                f"{name}: frame_log.json has frames beyond the {len(video)} of rgb.mp4; "
                f"{len(included)} of {len(placed)} are used"
            )
        poses = _members(data, "frame_data", ".json")
        points = _members(data, "scene_points", ".tiff") if truth else None
        return cls(name, folder, len(video), video, poses, points, included)

    @property
    def numbers(self) -> Sequence[int]:
        """The frames that COLMAP placed, from 0."""
        return self.included

    def _camera(self, frame: int, size: tuple[int, int]) -> tuple[StereoCalibration, Array]:
        content, where = _read(self.frame_data, frame)
        try:
            said = json.loads(content)["camera-pose"]
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{where}: no camera-pose ({error}); copy the archive again") from None
        return calibration_of(self.folder, size), as_pose(said, f"{where}, camera-pose")

    def _points(self, frame: int, calibration: StereoCalibration) -> Array:
        """The depth of every pixel on the ray that the calibration gives the pixel."""
        content, where = _read(self.points, frame)
        depth_mm = read_points(content, where)[..., 2:]
        calibration.check_size((depth_mm.shape[0], depth_mm.shape[1]), where)
        points: Array = _rays(calibration) * depth_mm
        return points


class ScaredC(Scared):
    """Rectified pairs of SCARED-C, from the folder as released (juseonghan/SCARED-C).

    On disk it is SCARED's tree (`Scared`), with per filmed keyframe, as its ``correct_scared.py``
    writes it::

        frame_log.json               included_frames: those that COLMAP placed, counted from 1
        intrinsics_colmap.yaml       unread
        data/rgb.mp4                 as in SCARED
        data/frame_data.tar.gz       frame_data%06d.json: camera-pose, keyframe to camera, mm
        data/scene_points.tar.gz     scene_points%06d.tiff: left view only; 0 = unknown
        data/rgb_frames.tar.gz       unread: the left view of rgb.mp4 again

    Keys and ``frames`` count from 0 like SCARED's own, so ``dataset_1/keyframe_1/000004`` is the
    same picture in both. Of the points only z is used, along the pixel's ray by
    ``endoscope_calibration.yaml``: their x and y come from COLMAP's pinhole camera, not from the
    calibration that the pictures are rectified by, and would not sit on them.

    Args and errors are those of `Scared`; a keyframe without ``frame_log.json`` is an error.
    """

    of_video: ClassVar[type[VideoSequence]] = CorrectedSequence


def _included(path: Path) -> tuple[int, ...]:
    try:
        numbers = json.loads(path.read_text())["included_frames"]
        included = tuple(sorted(int(number) - 1 for number in numbers))
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); SCARED itself is read by data=scared"
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path}: no list of included_frames ({error}); copy it again") from None
    if not included or included[0] < 0:
        raise DataError(f"{path}: included_frames must be numbers from 1; copy it again")
    return included


def _members(data: Path, stem: str, suffix: str) -> Members:
    found = find_members(data, stem, suffix)
    if found is None:
        raise DataError(f"{data}: no {stem}.tar.gz, which SCARED-C has beside rgb.mp4; download it")
    return found


def _read(members: Members | None, frame: int) -> tuple[bytes, str]:
    """A file of the release, whose numbers start at 1, and what messages call it."""
    content = members.read(frame + 1) if members is not None else None
    where = f"{members.path if members is not None else ''}, number {frame + 1}"
    if content is None:
        raise DataError(f"{where}: missing, but frame_log.json lists it; copy the archive again")
    return content, where


@lru_cache(maxsize=4)  # of 1280x1024: 16 MB each
def _rays(calibration: StereoCalibration) -> Array:
    """Where every pixel of the left camera looks: x/z, y/z, 1."""
    import cv2

    height, width = calibration.size
    pixels = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float64)
    slopes = cv2.undistortPoints(
        pixels.reshape(-1, 1, 2),
        np.array(calibration.matrices[0]).reshape(3, 3),
        np.array(calibration.distortions[0]),
        criteria=(cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 20, 1e-8),
    )
    rays = np.concatenate([slopes[:, 0], np.ones((len(slopes), 1))], axis=1)
    return rays.reshape(height, width, 3).astype(np.float32)
