"""Stereo video: any frame by its number, decoded when it is asked for."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from m3depth.errors import DataError
from m3depth.io.numpy_files import Array
from m3depth.io.video_index import read_index
from m3depth.log import warn_once

USUAL_RATE = 25.0
DECODED_THROUGH = 16  # frames ahead; seeking decodes about as many to land on one
FEWER = 0.8, 3.0  # decoded over estimated frames: when to warn, and when the estimate is useless

logger = logging.getLogger(__name__)


class VideoEndError(DataError):
    """A video ends before the number of frames that its file states, or was cut."""

    @classmethod
    def at(cls, path: Path, number: int, count: int | None) -> Self:
        """``number`` is the first frame that is not there; of ``count``, where that is sure."""
        which = f"frame {number}" + ("" if count is None else f" of {count}")
        return cls(
            f"{path}: {which} cannot be decoded; the file is truncated and ends before it, or "
            "frames before it are damaged and were passed over: copy it again, or re-encode it"
        )


class Video:
    """The frames of a video file, 0 to ``len - 1``, as OpenCV decodes them (uint8, h w 3, BGR).

    Frames in order are decoded in order, others are sought; OpenCV's seeking lands on the frame
    that decoding in order gives (tests/io/test_video.py) where frames are equally long. Where
    they are not, or where the file does not say, the video is decoded from its beginning to go
    back; where their number is an estimate, it is decoded once to count them. Decoders are opened
    when a frame is asked for, a few are kept open in each process, and none is pickled or shared by
    a fork.

    Raises:
        DataError: the file cannot be opened, or a frame cannot be decoded.
        VideoEndError: it ends before this frame.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._length = _length(self.path)

    def __len__(self) -> int:
        """As many as the file says for sure, or as can be decoded; one more where it was cut."""
        return self._length.frames

    def __getitem__(self, number: int) -> Array:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return _decoder(self.path, self._length, os.getpid()).frame(number)


def stacked(frame: Array) -> tuple[Array, Array]:
    """The left view from the upper half of a frame, the right one from the lower half."""
    upper, lower = np.split(frame[: len(frame) // 2 * 2], 2, axis=0)
    return upper, lower


def side_by_side(frame: Array) -> tuple[Array, Array]:
    """The left view from the left half of a frame, the right one from the right half."""
    left, right = np.split(frame[:, : frame.shape[1] // 2 * 2], 2, axis=1)
    return left, right


class Length(NamedTuple):
    """How many frames a video has, and how they are reached."""

    frames: int
    by_time: bool  # seeking by time lands on the frame that is meant


@dataclass
class _Decoder:
    capture: Any
    path: Path
    length: Length
    next: int = 0  # the number of the frame that the decoder gives next

    def frame(self, number: int) -> Array:
        """Decode one frame, seeking only where decoding on would take longer."""
        import cv2

        ahead = number - self.next
        if self.length.by_time and not 0 <= ahead <= DECODED_THROUGH:
            self.capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            self.next = number
        elif ahead < 0:
            self.capture, self.next = _one_thread(self.path), 0
        there = all(self.capture.grab() for _ in range(number - self.next + 1))
        decoded, pixels = self.capture.retrieve() if there else (False, None)
        count = self.length.frames
        self.next = number + 1 if decoded else count  # wherever it stands: it seeks next
        if not there:
            raise VideoEndError.at(self.path, number, count)
        if not decoded:
            raise DataError(
                f"{self.path}: frame {number} of {count} cannot be decoded; the file is "
                "damaged: copy it again, or re-encode it"
            )
        return np.asarray(pixels)


@lru_cache(maxsize=4)  # each holds several decoded frames
def _decoder(path: Path, length: Length, process: int) -> _Decoder:
    """The decoder of a process: after a fork, two would move one file's position."""
    return _Decoder(_one_thread(path), path, length)


def open_capture(path: Path, options: Sequence[int] = ()) -> Any:
    """OpenCV's ``VideoCapture`` of a file; a `DataError` where it cannot be opened."""
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
    """As many as OpenCV says, which may be an estimate; 0 where it cannot say."""
    import cv2

    return max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))


def frame_rate(capture: Any) -> float:
    """Frames per second; 25 where the file does not say, or says what no player shows."""
    import cv2

    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if 1 <= rate <= 240 else USUAL_RATE


def tell_fewer(path: Path, decoded: int, estimated: int) -> None:
    """Say that a video gave fewer frames than its duration and rate let expect."""
    least, none = FEWER
    if decoded < least * estimated and estimated < none * decoded:
        warn_once(
            f"{path}: {decoded} frames; by its duration and rate there would be about {estimated}: "
            "if it plays on, copy it again or re-encode it"
        )


def _length(path: Path) -> Length:
    capture = _one_thread(path)  # first: it says what is wrong with a file that is no video
    stat = path.stat()
    return _known_length(path, stat.st_size, stat.st_mtime_ns, frame_count(capture))


@lru_cache(maxsize=64)
def _known_length(path: Path, size: int, changed: int, estimated: int) -> Length:
    """For a file as it is now."""
    index = read_index(path)
    if index.frames is not None:
        return Length(index.frames, index.even)
    logger.info("%s: does not state how many frames it has; they are counted", path)
    capture, count = _one_thread(path), 0
    while capture.grab():
        count += 1
    if count == 0:
        raise DataError(f"{path}: no frame can be decoded; re-encode it")
    if index.cut:
        return Length(count + 1, by_time=False)  # the last one is the error
    tell_fewer(path, count, estimated)
    return Length(count, by_time=False)


def _one_thread(path: Path) -> Any:
    """A decoder of one thread.

    One that a loader's worker inherits by a fork has lost all its other threads, and closing it
    would wait for them for ever.
    """
    import cv2

    return open_capture(path, [cv2.CAP_PROP_N_THREADS, 1])
