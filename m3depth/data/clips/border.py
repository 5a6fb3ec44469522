"""What lies outside a round picture, or beside a smaller one: the same pixels in every frame."""

from collections.abc import Sequence
from functools import reduce

import numpy as np
import numpy.typing as npt

from m3depth.data.clips.look import DARK, Grey

Mask = npt.NDArray[np.bool_]
LEAST = 0.01  # of the picture: less is a dark corner


def black_border(frames: Sequence[Grey]) -> Mask:
    """Black in all frames, (v, h, w), from an edge of the picture inwards; none if it is small."""
    brightest = reduce(np.maximum, frames)
    black = brightest <= DARK
    from_edges = [
        np.flip(np.logical_and.accumulate(np.flip(black, axis), axis), axis)
        if flipped
        else np.logical_and.accumulate(black, axis)
        for axis in (-1, -2)
        for flipped in (False, True)
    ]
    outside: Mask = np.any(from_edges, axis=0)
    return outside if outside.mean() >= LEAST else np.zeros_like(outside)
