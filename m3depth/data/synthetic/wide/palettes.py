"""Colours of a kind of tissue, anywhere in a range of hues but near an organ that is held out."""

import colorsys
import math
from itertools import product

from m3depth.data.synthetic.draw import Draw
from m3depth.data.synthetic.styles import (
    GALLBLADDER,
    LIVER,
    OMENTUM,
    SPLEEN,
    Colour,
    Palette,
)
from m3depth.data.synthetic.wide.ranges import Between
from m3depth.errors import ConfigError

HELD_OUT_STYLES = (LIVER, SPLEEN, GALLBLADDER, OMENTUM)
APART = 0.1  # of the RGB cube's side: how far drawn tissue keeps from a held-out organ's
TRIES = 300
RED_DEG = 8.0


def draw_palette(draw: Draw, hue_deg: Between, saturation: Between, value: Between) -> Palette:
    """A palette in the ranges, of which no held-out organ's comes within `APART`.

    Raises:
        ConfigError: none is found: the ranges are a held-out organ's own.
    """
    for _ in range(TRIES):
        palette = _any_palette(draw, hue_deg, saturation, value)
        if distance_to_held_out(palette) >= APART:
            return palette
    said = f"hue_deg={hue_deg}, saturation={saturation}, value={value}"
    raise ConfigError(f"{said}: a held-out organ's colours, which are never drawn; widen a range")


def distance_to_held_out(palette: Palette) -> float:
    """From a palette's tissue to the nearest held-out organ's, in displayed RGB from 0 to 1.

    The least distance between one of the two main colours, ``base`` and ``other``, of both.
    """
    held_out = [p for style in HELD_OUT_STYLES for p in style.palettes]
    pairs = product(_tissue(palette), (colour for p in held_out for colour in _tissue(p)))
    return min(math.dist(drawn, kept) for drawn, kept in pairs)


def _tissue(palette: Palette) -> tuple[Colour, Colour]:
    return palette.base, palette.other


def _any_palette(draw: Draw, hue_deg: Between, saturation: Between, value: Between) -> Palette:
    """Two related colours of tissue, yellow fat, a pale film and vessels darker than the tissue."""

    def number(low: float, high: float) -> float:
        return draw.within((low, high)).item()

    hue = (number(*hue_deg) + number(*hue_deg)) / 2  # most in the middle
    pure, bright = number(*saturation) * _purity(hue), number(*value)
    return Palette(
        base=_colour(hue, pure, bright),
        other=_colour(hue + number(-22, 22), pure * number(0.7, 1.3), bright * number(0.65, 1.2)),
        fat=_colour(number(26, 52), number(0.3, 0.65), number(0.65, 0.95)),
        film=_colour(hue + number(-30, 30), pure * number(0.1, 0.6), number(0.6, 0.95)),
        vessel=_colour(number(-35, 12), number(0.55, 0.9), bright * number(0.25, 0.65)),
    )


def _purity(hue_deg: float) -> float:
    """Red tissue may be pure; violet and green tissue is greyer."""
    return 1 - min(abs(hue_deg - RED_DEG), 60) / 110


def _colour(hue_deg: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(
        hue_deg / 360 % 1, min(saturation, 0.9), min(value, 0.97)
    )
    return red, green, blue
