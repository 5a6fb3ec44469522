"""Base class of the readers of stereo videos as recorded, which it rectifies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from m3depth.data.own_size import ListedFrames
from m3depth.errors import DataError
from m3depth.geometry.rectification import Rectification, StereoCalibration, rectification
from m3depth.io.images import colour_tensor
from m3depth.io.numpy_files import Array
from m3depth.io.video import Video
from m3depth.log import warn_once
from m3depth.types import StereoBatch


@dataclass(frozen=True)
class SplitVideo:
    """Both views in one video; ``split`` takes its frames apart, left view first."""

    video: Video
    split: Callable[[Array], tuple[Array, Array]]

    def __len__(self) -> int:
        return len(self.video)

    def __getitem__(self, number: int) -> tuple[Array, Array]:
        return self.split(self.video[number])


@dataclass(frozen=True)
class TwoVideos:
    """A video of each view; one that ends earlier ends both, with a warning."""

    left: Video
    right: Video

    def __len__(self) -> int:
        counts = len(self.left), len(self.right)
        if counts[0] != counts[1]:
            names = f"{self.left.path.name} {counts[0]}, {self.right.path.name} {counts[1]} frames"
            warn_once(f"{self.left.path.parent}: {names}; the first {min(counts)} are used")
        return min(counts)

    def __getitem__(self, number: int) -> tuple[Array, Array]:
        return self.left[number], self.right[number]


StereoVideo = SplitVideo | TwoVideos
"""Frames of both views by number, as OpenCV decodes them."""


class Recording(NamedTuple):
    """One sequence and how it was recorded."""

    name: str
    folder: Path
    video: StereoVideo
    calibration: StereoCalibration  # of the views as they are in the video


class RecordedSequences(ListedFrames[tuple[Recording, int]]):
    """Rectified frames of sequences; what else a set has, it adds in `_complete`.

    Args:
        recordings: what to read.
        step: give out every ``step``-th frame.
        size, repeat: See `ListedFrames`.

    Raises:
        DataError: a sequence has no frame.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        size: Sequence[int] | None,
        step: int = 1,
        repeat: int = 1,
    ) -> None:
        frames = [
            (recording, number)
            for recording in recordings
            for number in self._usable(recording)[::step]
        ]
        super().__init__(frames, size, repeat)
        if not frames:
            raise DataError(f"{recordings[0].folder}: no frame in any sequence")

    def _read(self, frame: tuple[Recording, int]) -> StereoBatch:
        recording, number = frame
        where = f"{recording.folder}, frame {number}"
        cameras = rectification(recording.calibration)
        left, right = recording.video[number]
        for view in (left, right):
            recording.calibration.check_size((view.shape[0], view.shape[1]), where)
        size = self.size or cameras.size
        sample: StereoBatch = {
            "left": colour_tensor(cameras.left(left, size), where),
            "right": colour_tensor(cameras.right(right, size), where),
            "rig": cameras.rig.resized(cameras.size, size),
            "key": f"{recording.name}/{number:06d}",
        }
        self._complete(sample, recording, number, cameras)
        return sample

    def _place(self, frame: tuple[Recording, int]) -> str:
        recording, number = frame
        return f"{recording.folder.resolve()}/{number}"

    def _usable(self, recording: Recording) -> range:
        """Which frames of a sequence can be used."""
        return range(len(recording.video))

    def _complete(
        self, sample: StereoBatch, recording: Recording, number: int, cameras: Rectification
    ) -> None:
        """Add masks and poses to the sample."""
