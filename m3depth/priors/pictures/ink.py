"""Text and colour bars, drawn into pictures."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

from m3depth.imaging.bars import Tick
from m3depth.imaging.figures import UNKNOWN_GREY, colour

Picture = UInt8[NDArray[np.uint8], "h w 3"]
TEXT_PX = 13
BAR_PX, LABELS_PX = 16, 58  # widths of a bar and of the numbers beside it
PAPER, INK = 255, 20
UNKNOWN = "not known"


@cache
def font() -> Any:
    """DejaVu, which matplotlib brings: it has ≤ and the letters of frames' names."""
    import matplotlib
    from PIL import ImageFont

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(file, TEXT_PX)


def blank(height: int, width: int) -> Picture:
    """A white picture."""
    return np.full((height, width, 3), PAPER, np.uint8)


def write(picture: Picture, text: str, x: int, y: int, most_px: int | None = None) -> int:
    """Write a line of text, its middle at row ``y``; the end may be left out.

    Returns:
        The column where it ends.
    """
    from PIL import Image, ImageDraw

    if most_px is not None:
        text = shortened(text, most_px)
    height = 2 * TEXT_PX
    top = max(0, min(y - TEXT_PX, picture.shape[0] - height))
    strip = Image.fromarray(picture[top : top + height])
    ImageDraw.Draw(strip).text((x, y - top), text, (INK, INK, INK), font(), anchor="lm")
    picture[top : top + height] = np.asarray(strip)
    return x + int(font().getlength(text))


def shortened(text: str, most_px: int) -> str:
    """The text, or its end, which tells frames apart, after "..."."""
    if font().getlength(text) <= most_px:
        return text
    while text and font().getlength(f"...{text}") > most_px:
        text = text[1:]
    return f"...{text}"


def bar(picture: Picture, x: int, top: int, height: int, ticks: Sequence[Tick], map: str) -> None:
    """A bar of colours, the first tick at its lower end, with its numbers to the right."""
    ramp = np.linspace(1, 0, height)[:, None].repeat(BAR_PX, 1)
    known = np.ones_like(ramp, bool)
    picture[top : top + height, x : x + BAR_PX] = colour(ramp, 0, 1, map, known)
    for tick in ticks:
        y = top + round((1 - tick.share) * (height - 1))
        picture[y, x + BAR_PX : x + BAR_PX + 4] = INK
        write(picture, tick.label, x + BAR_PX + 7, y)


def unknown(picture: Picture, x: int, y: int) -> None:
    """What a grey pixel means."""
    picture[y - 6 : y + 6, x : x + 12] = UNKNOWN_GREY
    write(picture, UNKNOWN, x + 18, y)
