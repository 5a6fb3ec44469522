"""A shown frame's maps as arrays, for its pictures."""

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

Plane = Float[NDArray[np.float32], "h w"]


def plane(values: Float[Tensor, "1 1 h w"]) -> Plane:
    """The one map, as float32."""
    return values[0, 0].float().numpy()


def round_up(value: float) -> float:
    """To the next of 1, 2, 4, 5, 8, 10 in its power of ten."""
    unit = 10 ** np.floor(np.log10(max(value, 1e-6)))
    return float(unit * next(step for step in (1, 2, 4, 5, 8, 10) if step * unit >= value * 0.999))
