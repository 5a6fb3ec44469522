"""When each frame of a video was taken."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from m3depth.io.video import Video, frame_rate, open_capture
from m3depth.io.video_index import read_index
from m3depth.log import warn_once

Times = npt.NDArray[np.float64]


def frame_times_s(video: Video) -> Times:
    """Seconds from the first frame, by the stamps in the file; it may be of variable frame rate.

    Raises:
        DataError: the file cannot be opened.
    """
    stat = video.path.stat()
    return _known_times(video.path, len(video), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _known_times(path: Path, count: int, size: int, changed: int) -> Times:
    """For a file as it is now."""
    by_rate = np.arange(count) / frame_rate(open_capture(path))
    if read_index(path).even:
        return by_rate
    stamps = _stamps(path)[:count]
    if len(stamps) < count or (np.diff(stamps) <= 0).any():
        warn_once(f"{path}: its time stamps do not increase; the times of its frame rate are used")
        return by_rate
    since_first: Times = stamps - stamps[0]
    return since_first


def _stamps(path: Path) -> Times:
    """Of each frame as it is decoded."""
    import cv2

    capture = open_capture(path, [cv2.CAP_PROP_N_THREADS, 1])
    stamps = []
    while capture.grab():
        stamps.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    return np.array(stamps, dtype=np.float64)
