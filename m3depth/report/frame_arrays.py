"""A shown frame's maps and images as arrays, for its pictures."""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from m3depth.errors import DataError
from m3depth.evaluation.result import ShownFrame
from m3depth.evaluation.views import disparity_px
from m3depth.geometry.resizing import resized
from m3depth.imaging.figures import Picture

Plane = Float[NDArray[np.float32], "h w"]


def image_at(frame: ShownFrame, size: tuple[int, int]) -> Picture:
    """The left image, (height, width) as asked."""
    return as_picture(resized(frame.batch["left"], size))


def frame_disparity_px(frame: ShownFrame) -> Float[Tensor, "1 1 h w"]:
    """The prediction as a disparity, in pixels of the left image.

    Raises:
        DataError: it has none.
    """
    found = disparity_px(frame.prediction, frame.batch)
    if found is None:
        raise DataError(f"{frame.row.key}: a prediction without millimetres and without disparity")
    return found


def plane(values: Float[Tensor, "1 1 h w"]) -> Plane:
    """The one map, as float32."""
    return values[0, 0].float().numpy()


def as_picture(image: Float[Tensor, "1 3 h w"]) -> Picture:
    """RGB in [0, 1] as 8 bits."""
    return (image[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def round_up(value: float) -> float:
    """To the next of 1, 2, 4, 5, 8, 10 in its power of ten."""
    unit = 10 ** np.floor(np.log10(max(value, 1e-6)))
    return float(unit * next(step for step in (1, 2, 4, 5, 8, 10) if step * unit >= value * 0.999))
