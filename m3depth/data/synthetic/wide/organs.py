"""What the tissue of one scene may be like: a style, made anew for each scene or a known one."""

from dataclasses import dataclass
from typing import Protocol

from m3depth.data.synthetic.draw import Draw
from m3depth.data.synthetic.styles import Range, Style
from m3depth.data.synthetic.wide.palettes import draw_palette
from m3depth.data.synthetic.wide.ranges import Between, Ranges

MANY = (  # drawn many times within a scene, so that a scene has a part of these ranges to itself
    "swell_mm",
    "swell_length_mm",
    "bump_mm",
    "bump_length_mm",
    "fold_spacing_mm",
    "lobe_mm",
    "lobe_radius_mm",
)
ONCE = (
    "distance_mm",
    "tilt_deg",
    "fold_crease",
    "mottle",
    "roughness",
    "stretch",
    "fat_above",
    "film_above",
    "vessels",
    "gloss",
    "shininess",
)
STEEPEST = 0.45  # a fold's height as a share of the folds' spacing


class Organ(Protocol):
    """Whatever gives a scene its style."""

    def drawn(self, draw: Draw) -> Style:
        """The style of one scene."""
        ...


@dataclass(frozen=True)
class AnyOrgan(Ranges):
    """An organ that does not exist: colours, folds and texture of one, drawn anew.

    The names are `Style`'s. Texture keeps its size in millimetres to within 8 % (as in `Style`),
    whatever the organ: without it no single picture could tell a millimetre.
    """

    hue_deg: Between = (-50.0, 75.0)  # violet, red, brown, yellow; 0 is red
    saturation: Between = (0.2, 0.85)
    value: Between = (0.35, 0.95)
    distance_mm: Between = (42.0, 112.0)
    tilt_deg: Between = (0.0, 40.0)
    swell_mm: Between = (0.8, 7.0)
    swell_length_mm: Between = (40.0, 150.0)
    bump_mm: Between = (0.03, 0.9)
    bump_length_mm: Between = (7.0, 34.0)
    fold_mm: Between = (0.2, 9.0)
    fold_spacing_mm: Between = (8.0, 55.0)
    fold_crease: Between = (0.1, 0.5)
    lobe_mm: Between = (1.0, 18.0)
    lobe_radius_mm: Between = (8.0, 38.0)
    mottle: Between = (0.03, 0.17)
    roughness: Between = (0.7, 1.08)
    stretch: Between = (1.0, 2.8)
    fat_above: Between = (0.0, 2.8)
    film_above: Between = (0.0, 2.6)
    vessels: Between = (0.05, 1.0)
    gloss: Between = (0.3, 2.0)
    shininess: Between = (30.0, 280.0)

    def drawn(self, draw: Draw) -> Style:
        """Colours first, then the shape: folds no steeper than `STEEPEST`."""
        palette = draw_palette(draw, self.hue_deg, self.saturation, self.value)
        ranges = {name: _part(draw, getattr(self, name)) for name in MANY}
        ranges |= {name: getattr(self, name) for name in ONCE}
        low, high = _part(draw, self.fold_mm)
        highest = STEEPEST * ranges["fold_spacing_mm"][0]
        return Style((palette,), fold_mm=(min(low, highest), min(high, highest)), **ranges)


@dataclass(frozen=True)
class KnownOrgan:
    """Always the same style, from which each scene draws."""

    style: Style

    def drawn(self, draw: Draw) -> Style:
        """The style."""
        return self.style


def _part(draw: Draw, between: Between) -> Range:
    """A part of a range."""
    low, high = draw.within(between, 2).sort().values.tolist()
    return low, high
