"""What a population of scenes looks like: the ranges that scenes are drawn from."""

from dataclasses import dataclass

Range = tuple[float, float]
Colour = tuple[float, float, float]  # as displayed, 0 to 1


@dataclass(frozen=True)
class Palette:
    """The colours of one kind of anatomy."""

    base: Colour
    other: Colour
    fat: Colour
    film: Colour
    vessel: Colour


@dataclass(frozen=True)
class Style:
    """Ranges from which a scene draws: the anatomy, whatever the instrument that looks at it."""

    palettes: tuple[Palette, ...]
    distance_mm: Range = (48.0, 105.0)  # to the tissue along the optical axis
    tilt_deg: Range = (3.0, 33.0)  # between the optical axis and the tissue's normal
    swell_mm: Range = (1.5, 4.5)
    swell_length_mm: Range = (50.0, 130.0)
    bump_mm: Range = (0.15, 0.55)
    bump_length_mm: Range = (9.0, 28.0)
    fold_mm: Range = (1.0, 7.0)
    fold_spacing_mm: Range = (14.0, 45.0)
    fold_crease: Range = (0.12, 0.45)
    lobe_mm: Range = (2.0, 12.0)
    lobe_radius_mm: Range = (10.0, 26.0)
    mottle: Range = (0.05, 0.11)  # of each octave
    roughness: Range = (0.75, 1.05)  # an octave's contrast over the next coarser one's
    stretch: Range = (1.0, 1.5)  # of the texture along its fibres
    fat_above: Range = (0.6, 2.2)
    film_above: Range = (0.5, 2.2)
    vessels: Range = (0.5, 0.95)
    gloss: Range = (0.5, 1.5)
    shininess: Range = (50.0, 160.0)
    noise: Range = (0.004, 0.014)


PELVIS = Style(
    palettes=(
        Palette(
            base=(0.80, 0.45, 0.41),
            other=(0.70, 0.30, 0.27),
            fat=(0.88, 0.65, 0.36),
            film=(0.89, 0.72, 0.67),
            vessel=(0.50, 0.10, 0.12),
        ),
        Palette(
            base=(0.72, 0.30, 0.27),
            other=(0.84, 0.50, 0.44),
            fat=(0.90, 0.69, 0.44),
            film=(0.86, 0.66, 0.62),
            vessel=(0.40, 0.06, 0.10),
        ),
        Palette(
            base=(0.86, 0.58, 0.52),
            other=(0.78, 0.40, 0.36),
            fat=(0.86, 0.62, 0.32),
            film=(0.92, 0.80, 0.76),
            vessel=(0.55, 0.16, 0.18),
        ),
        Palette(
            base=(0.86, 0.58, 0.40),
            other=(0.80, 0.46, 0.38),
            fat=(0.90, 0.68, 0.42),
            film=(0.88, 0.70, 0.62),
            vessel=(0.52, 0.12, 0.12),
        ),
    )
)
"""What the splits `train`, `val` and `test` show: pink and red tissue, fat, many vessels."""

LIVER = Style(
    palettes=(
        Palette(
            base=(0.46, 0.21, 0.17),
            other=(0.55, 0.29, 0.20),
            fat=(0.74, 0.54, 0.28),
            film=(0.62, 0.52, 0.52),
            vessel=(0.26, 0.07, 0.13),
        ),
        Palette(
            base=(0.58, 0.40, 0.42),
            other=(0.46, 0.26, 0.30),
            fat=(0.70, 0.58, 0.38),
            film=(0.70, 0.66, 0.68),
            vessel=(0.28, 0.14, 0.30),
        ),
        Palette(
            base=(0.52, 0.40, 0.24),
            other=(0.52, 0.28, 0.20),
            fat=(0.78, 0.62, 0.38),
            film=(0.66, 0.60, 0.52),
            vessel=(0.30, 0.10, 0.10),
        ),
    ),
    tilt_deg=(8.0, 30.0),
    fold_mm=(0.5, 2.5),
    fold_spacing_mm=(9.0, 22.0),
    lobe_mm=(5.0, 16.0),
    lobe_radius_mm=(14.0, 34.0),
    bump_mm=(0.05, 0.35),
    mottle=(0.08, 0.14),
    roughness=(0.8, 1.0),
    stretch=(1.8, 3.2),
    fat_above=(1.0, 2.6),
    vessels=(0.2, 0.6),
    gloss=(0.5, 1.6),
    shininess=(100.0, 260.0),
    noise=(0.006, 0.015),
)
"""What `test_style` shows: brown, bluish or bile-stained organs with fibres."""

SPLEEN = Style(
    palettes=(
        Palette(
            base=(0.42, 0.20, 0.34),
            other=(0.50, 0.29, 0.42),
            fat=(0.84, 0.70, 0.50),
            film=(0.70, 0.60, 0.68),
            vessel=(0.24, 0.06, 0.16),
        ),
        Palette(
            base=(0.54, 0.36, 0.50),
            other=(0.44, 0.24, 0.42),
            fat=(0.80, 0.64, 0.46),
            film=(0.76, 0.68, 0.74),
            vessel=(0.28, 0.08, 0.22),
        ),
    ),
    distance_mm=(45.0, 100.0),
    fold_mm=(0.3, 2.0),
    fold_spacing_mm=(12.0, 30.0),
    lobe_mm=(6.0, 15.0),
    lobe_radius_mm=(16.0, 34.0),
    mottle=(0.06, 0.12),
    stretch=(1.0, 1.8),
    fat_above=(1.2, 2.6),
    vessels=(0.3, 0.8),
    gloss=(0.6, 1.6),
)
"""What `test_spleen` shows: violet, smooth and bulging."""

GALLBLADDER = Style(
    palettes=(
        Palette(
            base=(0.50, 0.56, 0.32),
            other=(0.40, 0.44, 0.22),
            fat=(0.86, 0.74, 0.36),
            film=(0.72, 0.78, 0.66),
            vessel=(0.34, 0.16, 0.12),
        ),
        Palette(
            base=(0.58, 0.66, 0.50),
            other=(0.48, 0.52, 0.30),
            fat=(0.82, 0.66, 0.34),
            film=(0.74, 0.80, 0.72),
            vessel=(0.40, 0.20, 0.16),
        ),
    ),
    distance_mm=(45.0, 100.0),
    tilt_deg=(5.0, 35.0),
    fold_mm=(0.5, 4.0),
    lobe_mm=(4.0, 16.0),
    lobe_radius_mm=(9.0, 22.0),
    mottle=(0.05, 0.10),
    stretch=(1.0, 2.2),
    fat_above=(0.4, 1.8),
    vessels=(0.4, 0.9),
    gloss=(0.8, 1.8),
    shininess=(60.0, 200.0),
)
"""What `test_gallbladder` shows: stained green by bile, in small round bulges."""

OMENTUM = Style(
    palettes=(
        Palette(
            base=(0.90, 0.76, 0.40),
            other=(0.84, 0.64, 0.30),
            fat=(0.94, 0.84, 0.54),
            film=(0.92, 0.82, 0.68),
            vessel=(0.56, 0.18, 0.14),
        ),
        Palette(
            base=(0.92, 0.82, 0.58),
            other=(0.86, 0.70, 0.44),
            fat=(0.90, 0.76, 0.38),
            film=(0.94, 0.86, 0.76),
            vessel=(0.60, 0.24, 0.20),
        ),
    ),
    distance_mm=(45.0, 100.0),
    bump_mm=(0.3, 0.8),
    bump_length_mm=(7.0, 18.0),
    fold_mm=(1.0, 5.0),
    fold_spacing_mm=(11.0, 30.0),
    mottle=(0.06, 0.13),
    fat_above=(0.0, 1.2),
    vessels=(0.5, 1.0),
    gloss=(0.4, 1.2),
)
"""What `test_omentum` shows: yellow, lumpy fat with red vessels."""
