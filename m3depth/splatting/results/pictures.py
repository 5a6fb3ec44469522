"""Renders as files: colours, depth as numbers and as a picture, and a video."""

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from m3depth.errors import UserError
from m3depth.files import write_npy, write_png
from m3depth.outputs.claim import writing
from m3depth.report.figures import colour_inverse_depth, inverse_depth_range
from m3depth.splatting.scene.clip import Frame
from m3depth.splatting.scores import View

FRAMES_PER_S = 8.0
LEAST_HEIGHT = 256  # of the video: a smaller one is enlarged by a whole number

Picture = UInt8[NDArray[np.uint8], "h w 3"]


def as_bytes(image: object) -> Picture:
    """RGB in [0, 1], (3, h, w), as pixels of 8 bits."""
    pixels = np.asarray(image).transpose(1, 2, 0)
    rounded: Picture = (pixels * 255).round().clip(0, 255).astype(np.uint8)
    return rounded


def depth_range(due: Iterable[Frame]) -> tuple[float, float]:
    """One range of colours for all frames, mm, by the depth that they should have."""
    return inverse_depth_range(frame.depth_mm.numpy() for frame in due)


def write_renders(folder: Path, found: Iterable[View], range_mm: tuple[float, float]) -> None:
    """``NAME.png``, ``NAME_depth.png`` (inverse depth) and ``NAME_depth.npy`` (mm, float32).

    And ``renders.mp4``: the frame, its rendering and the rendered depth side by side. Each view is
    written before the next one is asked for.

    Args:
        folder: Where to.
        found: At least one view.
        range_mm: Of the colours of depth.

    Raises:
        UserError: they cannot be written.
    """
    write_video(folder / "renders.mp4", (_written(folder, view, range_mm) for view in found))


def _written(folder: Path, view: View, range_mm: tuple[float, float]) -> Picture:
    """The view's row of the video, once its files are there."""
    stem = folder / view.frame.key
    colours = as_bytes(view.colour)
    depth = colour_inverse_depth(view.depth_mm[0].numpy(), *range_mm)
    write_png(stem.with_name(f"{stem.name}.png"), colours)
    write_png(stem.with_name(f"{stem.name}_depth.png"), depth)
    write_npy(stem.with_name(f"{stem.name}_depth.npy"), view.depth_mm[0].numpy())
    return np.hstack([as_bytes(view.frame.image), colours, depth])


def write_video(path: Path, pictures: Iterable[Picture]) -> None:
    """An MP4 of pictures of one size, at least one.

    Raises:
        UserError: it cannot be written.
    """
    import cv2

    writing(path)
    rest = iter(pictures)
    first = next(rest)
    factor = -(-LEAST_HEIGHT // first.shape[0])
    height, width = (factor * side for side in first.shape[:2])
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    codec = cv2.VideoWriter.fourcc(*"mp4v")
    video = cv2.VideoWriter(str(temporary), codec, FRAMES_PER_S, (width, height))
    if not video.isOpened():
        raise UserError(f"{path}: this OpenCV cannot write a video here; free some space")
    try:
        for picture in chain([first], rest):
            large = cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST)
            video.write(large[..., ::-1])
        video.release()
        os.replace(temporary, path)
    finally:
        video.release()
        temporary.unlink(missing_ok=True)
