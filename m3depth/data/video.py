"""Stereo video: any frame by its number, decoded when it is asked for."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from m3depth.errors import DataError

Array = npt.NDArray[Any]
USUAL_RATE = 25.0
DECODED_THROUGH = 16  # frames ahead; seeking decodes about as many to land on one


class VideoEndError(DataError):
    """A video ends before the number of frames that its file states."""

    @classmethod
    def at(cls, path: Path, number: int, count: int) -> Self:
        """``number`` is the first frame that is not there."""
        return cls(
            f"{path}: frame {number} of {count} cannot be decoded; the file is truncated and ends "
            "before it: copy it again, or re-encode it"
        )


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
        if not there:
            raise VideoEndError.at(self.path, number, self.count)
        if not decoded:
            raise DataError(
                f"{self.path}: frame {number} of {self.count} cannot be decoded; the file is "
                "damaged: copy it again, or re-encode it"
            )
        return np.asarray(pixels)


@lru_cache(maxsize=4)  # each holds several decoded frames
def _decoder(path: Path, process: int) -> _Decoder:
    """The decoder of a process: after a fork, two would move one file's position."""
    return _open(path)


def open_capture(path: Path, options: Sequence[int] = ()) -> Any:
    """OpenCV's ``VideoCapture`` of a file; ``options`` are of OpenCV.

    Raises:
        DataError: it cannot be opened.
    """
    # FFmpeg tells its fatal errors alone: what is wrong with a file is ours to say
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "8")
    import cv2

    if not path.is_file():
        raise DataError(f"{path}: no such video")
    capture = cv2.VideoCapture(str(path), cv2.CAP_ANY, [*options])
    if not capture.isOpened():
        raise DataError(
            f"{path}: no video that OpenCV can open, or one that was cut (.mp4 and .mov have their "
            "index at the end, and no frame without it); copy it again, or re-encode with ffmpeg "
            "what a player can show"
        )
    return capture


def frame_count(capture: Any) -> int:
    """As many as the file says it has; 0 where it does not say."""
    import cv2

    return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))


def frame_rate(capture: Any) -> float:
    """Frames per second; 25 where the file does not say, or says what no player shows."""
    import cv2

    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if 1 <= rate <= 240 else USUAL_RATE


def _open(path: Path) -> _Decoder:
    import cv2

    # One thread: a decoder that a loader's worker inherits by a fork has lost all others, and
    # closing it would wait for them for ever
    capture = open_capture(path, [cv2.CAP_PROP_N_THREADS, 1])
    count = frame_count(capture)
    if count < 1:
        raise DataError(f"{path}: does not say how many frames it has; re-encode it")
    return _Decoder(capture, path, count)
