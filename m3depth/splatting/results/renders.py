"""Renders as files: colours, depth as numbers and as a picture, and a video."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import Picture, colour_inverse_depth, inverse_depth_range
from m3depth.io.files import write_npy, write_png
from m3depth.priors.pictures.film import write_film
from m3depth.splatting.scene.clip import ClipFrame
from m3depth.splatting.scores import RenderedView

FILM = "renders"
FRAMES_PER_S = 8.0
LEAST_HEIGHT = 256  # of the video: a smaller one is enlarged by a whole number


def depth_range(targets: Iterable[ClipFrame]) -> tuple[float, float]:
    """One range of colours for all frames, mm, by their target depth."""
    return inverse_depth_range(frame.depth_mm.numpy() for frame in targets)


def write_renders(
    folder: Path, found: Iterable[RenderedView], range_mm: tuple[float, float]
) -> None:
    """``NAME.png``, ``NAME_depth.png`` (inverse depth) and ``NAME_depth.npy`` (mm, float32).

    And ``renders.webm`` (see `write_film`): the frame, its rendering and the rendered depth side
    by side. Each of the views, at least one, is written before the next one is asked for.
    ``range_mm`` is that of the colours of depth.
    """
    rows = (_enlarged(_written(folder, view, range_mm)) for view in found)
    write_film(folder / FILM, rows, FRAMES_PER_S)


def _written(folder: Path, view: RenderedView, range_mm: tuple[float, float]) -> Picture:
    """The view's row of the video, once its files are there."""
    stem = folder / view.frame.key
    colours = to_picture(view.colour)
    depth = colour_inverse_depth(view.depth_mm[0].numpy(), *range_mm)
    write_png(stem.with_name(f"{stem.name}.png"), colours)
    write_png(stem.with_name(f"{stem.name}_depth.png"), depth)
    write_npy(stem.with_name(f"{stem.name}_depth.npy"), view.depth_mm[0].numpy())
    return np.hstack([to_picture(view.frame.image), colours, depth])


def _enlarged(row: Picture) -> UInt8[NDArray[np.uint8], "H W 3"]:
    """Each pixel as several, to be seen well; with even sides, which videos need."""
    factor = -(-LEAST_HEIGHT // row.shape[0])
    large = row.repeat(factor, 0).repeat(factor, 1)
    return np.ascontiguousarray(large[: large.shape[0] // 2 * 2, : large.shape[1] // 2 * 2])
