"""All of an input at a glance: some of its frames, each beside its depth."""

from collections.abc import Sequence

import numpy as np

from m3depth.imaging.figures import INVERSE_DEPTH_COLOURS, colour
from m3depth.priors.pictures import ink
from m3depth.priors.pictures.ink import BAR_PX, LABELS_PX, TEXT_PX, Picture
from m3depth.priors.pictures.panel import GAP_PX, TITLE_PX, Seen, seen_at, shown_size
from m3depth.priors.pictures.scale import Scale

TILES, COLUMNS = 20, 4
TILE_PX = (168, 210)  # most height and width of an image
BESIDE_PX = 2


def chosen(count: int) -> list[int]:
    """Places of the frames that are shown: all, or some spread evenly from first to last.

    >>> chosen(3), len(chosen(1000)), chosen(1000)[-1]
    ([0, 1, 2], 20, 999)
    """
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, TILES))})


def tile(seen: Seen) -> Seen:
    """A frame at the size that the sheet shows it at."""
    return seen_at(shown_size(seen.image.shape[:2], TILE_PX), seen)


def contact_sheet(tiles: Sequence[tuple[str, Seen]], scale: Scale, title: str) -> Picture:
    """The tiles with their names, one bar of colours for all, and a title.

    Args:
        tiles: Names and frames, see `tile`.
        scale: Of the colours.
        title: Of the sheet.
    """
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    high = max(seen.image.shape[0] for _, seen in tiles) + TITLE_PX
    wide = 2 * max(seen.image.shape[1] for _, seen in tiles) + BESIDE_PX + GAP_PX
    width, head = columns * wide + GAP_PX, 2 * TITLE_PX
    picture = ink.blank(head + rows * high + GAP_PX, width + BAR_PX + LABELS_PX)
    ink.write(picture, title, GAP_PX, TITLE_PX // 2, width + BAR_PX + LABELS_PX - 2 * GAP_PX)
    end = ink.write(picture, f"{scale.title} (red is near)", GAP_PX, TITLE_PX * 3 // 2)
    ink.unknown(picture, end + 2 * GAP_PX, TITLE_PX * 3 // 2)
    for place, (name, seen) in enumerate(tiles):
        x, y = GAP_PX + place % columns * wide, head + place // columns * high
        _put(picture, name, seen, scale, x, y)
    top, height = head + TEXT_PX, min(high * rows, 2 * TILE_PX[0]) - TITLE_PX - TEXT_PX
    ink.bar(picture, width, top, height, scale.ticks, INVERSE_DEPTH_COLOURS)
    return picture


def _put(picture: Picture, name: str, seen: Seen, scale: Scale, x: int, y: int) -> None:
    height, width = seen.values.shape
    depth = colour(seen.values, scale.low, scale.high, INVERSE_DEPTH_COLOURS, seen.values > 0)
    picture[y : y + height, x : x + width] = seen.image
    beside = x + width + BESIDE_PX
    picture[y : y + height, beside : beside + width] = depth
    ink.write(picture, name, x, y + height + TITLE_PX // 2, 2 * width)
