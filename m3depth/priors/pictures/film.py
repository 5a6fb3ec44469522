"""A video of pictures that browsers play, as far as OpenCV's wheel can write one."""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from m3depth.errors import UserError
from m3depth.outputs.claim import writing
from m3depth.priors.pictures.ink import Picture

# VP8 plays in every browser. The wheel has no encoder for H.264, and VP9's takes six times as long.
CODECS = {".webm": "VP80", ".mp4": "mp4v"}
PLAYS = {".webm": "browsers and VLC play it", ".mp4": "VLC plays it, browsers do not"}

logger = logging.getLogger(__name__)


def write_film(stem: Path, pictures: Iterable[Picture], frames_per_s: float) -> None:
    """Write ``stem.webm`` or, where this OpenCV cannot, ``stem.mp4``; of no picture, nothing.

    Args:
        stem: The file without its suffix.
        pictures: Of one size with even sides; others are left out.
        frames_per_s: Their rate.

    Raises:
        UserError: it cannot be written.
    """
    rest = iter(pictures)
    first = next(rest, None)
    if first is None:
        return
    temporary, path, video = _opened(stem, first, frames_per_s)
    try:
        for picture in chain([first], rest):
            if picture.shape == first.shape:
                video.write(np.ascontiguousarray(picture[..., ::-1]))
        video.release()
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); free some space") from None
    finally:
        video.release()
        temporary.unlink(missing_ok=True)
    logger.info("%s: %s", path.name, PLAYS[path.suffix])


def _opened(stem: Path, first: Picture, frames_per_s: float) -> tuple[Path, Path, Any]:
    import cv2

    size = (first.shape[1], first.shape[0])
    for suffix, code in CODECS.items():
        path = stem.with_name(stem.name + suffix)
        writing(path)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp{suffix}")
        with _silence():
            codec = cv2.VideoWriter.fourcc(*code)
            video = cv2.VideoWriter(str(temporary), codec, frames_per_s, size)
        if video.isOpened():
            return temporary, path, video
        temporary.unlink(missing_ok=True)
    raise UserError(f"{stem.parent}: this OpenCV cannot write a video there; free some space")


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Nothing on stderr: FFmpeg's C code says there that VP8 is not VP8's usual name in WebM."""
    stderr = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nothing)
