"""Poses that another program wrote."""

from pathlib import Path

import numpy as np
import torch

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.depth_meaning import UNITS
from m3depth.reconstruction.motion.contract import MotionSource, NoPoseError, Placed
from m3depth.reconstruction.motion.posed import read_posed
from m3depth.types import Kind, PairMotion, Scale, StereoBatch, StereoRig, same_shape
from m3depth.validation import require_number

UNITS_MM = UNITS[Kind.DEPTH]
LATE_S = 0.005  # from a frame's time, a pose is still its own; the next frame is farther away


class FileMotion(MotionSource):
    """A trajectory in a file: see `read_posed`.

    A frame's pose is found by the frame's name where the file has names; else by its place, where
    the file has as many poses as the video frames; else by its time.

    Args:
        poses: The file, or a folder with a COLMAP model.
        unit_mm: Millimetres in one unit of its translations; None: as the file says, and where it
            says nothing, known but for one factor.
    """

    def __init__(self, poses: str | Path | None, unit_mm: float | None = None) -> None:
        if not poses:
            raise ConfigError("motion=file needs poses=FILE: TUM's text, an .npz or a COLMAP model")
        if unit_mm is not None:
            require_number("poses_unit_mm", unit_mm, 1e-9, 1e9)
        self.path = Path(poses)
        self.posed = read_posed(self.path)
        self.unit_mm = unit_mm if unit_mm is not None else UNITS_MM.get(self.posed.unit)
        self.model = f"poses in {self.path}"
        self._by_name = {name: i for i, name in enumerate(self.posed.names or ())}
        self._by_place = False

    @property
    def scale(self) -> Scale:
        """Metric where the unit is known."""
        return Scale.UP_TO_SCALE if self.unit_mm is None else Scale.METRIC

    def begin(self, frames: int) -> None:
        """Choose how frames are found.

        Raises:
            DataError: by nothing: neither names nor times, and another number of poses.
        """
        count = len(self.posed.camera_to_world)
        self._by_place = not self._by_name and count == frames
        if not (self._by_name or self._by_place) and self.posed.time_s is None:
            raise DataError(
                f"poses={self.path}: {count} poses without names or times, and {frames} frames: "
                "give one pose a frame"
            )

    def __call__(self, earlier: Placed, later: Placed) -> PairMotion:
        """Look them up."""
        before, after = (self._found(frame) for frame in (earlier, later))
        poses = torch.from_numpy(self.posed.camera_to_world[[before, after]])
        poses[:, :3, 3] *= self.unit_mm or 1.0
        motion = torch.linalg.inv(poses[1]) @ poses[0]
        one, other = self._camera(before, earlier.sample), self._camera(after, later.sample)
        if one is None or other is None:
            return PairMotion(motion[None])
        pair = (torch.stack(both)[None] for both in zip(one, other, strict=True))
        return PairMotion(motion[None], StereoRig(*pair))

    def _found(self, frame: Placed) -> int:
        key = str(frame.sample["key"])
        if self._by_place:
            return frame.place
        name = key.rpartition("/")[2]
        index = self._by_name.get(key, self._by_name.get(name))
        if not self._by_name:
            index = self._at_time(frame.sample)
        if index is None:
            raise NoPoseError(f"{key}: no pose in {self.path}")
        return index

    def _at_time(self, sample: StereoBatch) -> int | None:
        known = self.posed.time_s
        if known is None or "time_s" not in sample:
            raise DataError(
                f"poses={self.path}: {len(self.posed.camera_to_world)} poses, which is not one for "
                "each frame, and the frames have no times to find theirs by"
            )
        time = float(sample["time_s"])
        nearest = int(np.abs(known - time).argmin())
        return nearest if abs(known[nearest] - time) <= LATE_S else None

    def _camera(self, index: int, sample: StereoBatch) -> StereoRig | None:
        if self.posed.cameras is None:
            return None
        K, size = self.posed.cameras[index]
        seen = size_of(sample["left"])
        if not same_shape(size, seen):
            raise DataError(
                f"poses={self.path}: K is of {size[1]}x{size[0]} pixels, and frame {sample['key']} "
                f"is {seen[1]}x{seen[0]}: not the same shape, so one of them was cropped"
            )
        numbers = (float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]))
        return StereoRig.monocular(*numbers).resized(size, seen)
