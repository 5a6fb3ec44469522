"""Numbers to colours: inverse depth over one fixed range, errors, and their PNG pictures."""

import base64
import io
from collections.abc import Iterable

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

INVERSE_DEPTH_COLOURS = "turbo"  # near is red, far is blue
ERROR_COLOURS = "inferno"  # none is black
UNKNOWN_GREY = 128  # in neither map

Map = Float[NDArray[np.floating], "h w"]
Picture = UInt8[NDArray[np.uint8], "h w 3"]


def colour(values: Map, low: float, high: float, colours: str, known: NDArray[np.bool_]) -> Picture:
    """``low .. high`` over matplotlib's colour map ``colours``, grey where not known."""
    import matplotlib

    share = np.clip((values - low) / (high - low), 0, 1)
    picture: Picture = matplotlib.colormaps[colours](share, bytes=True)[..., :3].copy()
    picture[~known] = UNKNOWN_GREY
    return picture


def colour_inverse_depth(depth_mm: Map, near_mm: float, far_mm: float) -> Picture:
    """Depth as inverse depth, in which equal steps are equally hard to see in a stereo pair.

    Args:
        depth_mm: 0 = not known, drawn grey.
        near_mm: Drawn in the map's last colour, as is whatever is nearer.
        far_mm: Drawn in the map's first colour, as is whatever is farther.
    """
    known = depth_mm > 0
    inverse = 1 / np.where(known, depth_mm, np.inf)
    return colour(inverse, 1 / far_mm, 1 / near_mm, INVERSE_DEPTH_COLOURS, known)


def inverse_depth_range(depths_mm: Iterable[NDArray[np.floating]]) -> tuple[float, float]:
    """One ``(near_mm, far_mm)`` for a whole sequence: the 1st and 99th percentile, whole mm.

    Where nothing is known it is 30 .. 150 mm, an endoscope's working range.

    >>> inverse_depth_range([np.array([0.0, 40.2, 50.0]), np.array([80.3])])
    (40.0, 80.0)
    """
    known = [depth_mm[depth_mm > 0] for depth_mm in depths_mm]
    values = np.concatenate([v.ravel() for v in known]) if known else np.empty(0)
    if not values.size:
        return 30.0, 150.0
    low_mm, high_mm = np.percentile(values, [1, 99])
    near_mm = max(float(np.floor(low_mm)), 1.0)
    return near_mm, max(float(np.ceil(high_mm)), near_mm + 1.0)


def data_uri(picture: Picture) -> str:
    """The picture as a PNG inside an address, so that a page needs no file beside it."""
    from PIL import Image

    png = io.BytesIO()
    Image.fromarray(picture).save(png, format="PNG")
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


def css_gradient(colours: str, steps: int = 17) -> str:
    """A colour map as a CSS gradient, low on the left."""
    import matplotlib
    from matplotlib.colors import to_hex

    stops = [to_hex(matplotlib.colormaps[colours](share)) for share in np.linspace(0, 1, steps)]
    return f"linear-gradient(to right, {', '.join(stops)})"
