"""Stereo video: any frame by its number, decoded when it is asked for."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from m3depth.errors import DataError

Array = npt.NDArray[Any]
DECODED_THROUGH = 16  # frames ahead; seeking decodes about as many to land on one


class VideoEndError(DataError):
    """A video ends before the number of frames that its file states."""


class Video:
    """The frames of a video file, 0 to ``len - 1``, as OpenCV decodes them (uint8, h w 3, BGR).

    Frames in order are decoded in order, others are sought; OpenCV's seeking lands on the frame
    that decoding in order gives (tests/data/test_video.py). Decoders are opened when a frame is
    asked for, a few are kept open in each process, and none is pickled or shared by a fork.

    Raises:
        DataError: the file cannot be opened, or a frame cannot be decoded.
        VideoEndError: it ends before this frame.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._count = _open(self.path).count

    def __len__(self) -> int:
        """As many as the file says it has."""
        return self._count

    def __getitem__(self, number: int) -> Array:
        if not 0 <= number < self._count:
            raise IndexError(number)
        return _decoder(self.path, os.getpid()).frame(number)


def stacked(frame: Array) -> tuple[Array, Array]:
    """The left view from the upper half of a frame, the right one from the lower half."""
    upper, lower = np.split(frame[: len(frame) // 2 * 2], 2, axis=0)
    return upper, lower


def side_by_side(frame: Array) -> tuple[Array, Array]:
    """The left view from the left half of a frame, the right one from the right half."""
    left, right = np.split(frame[:, : frame.shape[1] // 2 * 2], 2, axis=1)
    return left, right


@dataclass
class _Decoder:
    capture: Any
    path: Path
    count: int
    next: int = 0  # the number of the frame that the decoder gives next

    def frame(self, number: int) -> Array:
        """Decode one frame, seeking only where decoding on would take longer."""
        import cv2

        if not self.next <= number <= self.next + DECODED_THROUGH:
            self.capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            self.next = number
        there = all(self.capture.grab() for _ in range(number - self.next + 1))
        decoded, pixels = self.capture.retrieve() if there else (False, None)
        self.next = number + 1 if decoded else self.count  # wherever it stands: it seeks next
        what = f"{self.path}: frame {number} of {self.count} cannot be decoded"
        mend = "copy it again, or re-encode it"
        if not there:
            raise VideoEndError(f"{what}; the file is truncated and ends before it: {mend}")
        if not decoded:
            raise DataError(f"{what}; the file is damaged: {mend}")
        return np.asarray(pixels)


@lru_cache(maxsize=4)  # each holds several decoded frames
def _decoder(path: Path, process: int) -> _Decoder:
    """The decoder of a process: after a fork, two would move one file's position."""
    return _open(path)


def quiet_ffmpeg() -> None:
    """Keep FFmpeg's own lines off stderr: what is wrong with a file is ours to say."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "8")  # fatal errors only


def _open(path: Path) -> _Decoder:
    quiet_ffmpeg()
    import cv2

    if not path.is_file():
        raise DataError(f"{path}: no such video")
    # One thread: a decoder that a loader's worker inherits by a fork has lost all others, and
    # closing it would wait for them for ever
    capture = cv2.VideoCapture(str(path), cv2.CAP_ANY, [cv2.CAP_PROP_N_THREADS, 1])
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    if count < 1:
        raise DataError(f"{path}: not a whole video that OpenCV can open; copy it again")
    return _Decoder(capture, path, count)
