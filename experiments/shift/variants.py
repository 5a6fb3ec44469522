"""Which training holds on styles that it has not seen?

python variants.py CHECKPOINT ... > variants.json

On frames that choose and never test: `synthetic`'s own validation style, four other styles drawn
from `synthetic_wide`'s ranges and seen by the demo's endoscope, and `synthetic_wide` itself.
Unscaled MAE and after median scaling, with the mirrored image; the four styles after new batch
statistics of 40 of their own images, too, whatever the gate would say.
"""

import json
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from levels import SIZE

from m3depth.adaptation.frames import Frames
from m3depth.adaptation.level import Tried
from m3depth.adaptation.model import Adaptable, Model
from m3depth.adaptation.statistics import Statistics
from m3depth.data.synthetic import SyntheticPairs
from m3depth.data.synthetic.draw import Draw, seeded
from m3depth.data.synthetic.styles import Style
from m3depth.data.synthetic.wide import WidePairs
from m3depth.data.synthetic.wide.organs import AnyOrgan
from m3depth.data.synthetic.wide.palettes import draw_palette
from m3depth.networks.finest import Finest
from m3depth.types import StereoBatch

STYLES, SCORED, TO_ADAPT = 4, 32, 40
Errors = tuple[float, float]  # unscaled, and with each frame at the truth's median


def style(index: int) -> Style:
    """Two palettes of no organ, and folds and lobes of a size of their own."""
    draw, organ = Draw(seeded("valstyle", index)), AnyOrgan()
    palettes = [draw_palette(draw, organ.hue_deg, organ.saturation, organ.value) for _ in range(2)]
    return Style(
        palettes=tuple(palettes),
        tilt_deg=(5.0, 32.0),
        lobe_mm=(2 + 1.5 * index, 10 + 1.5 * index),
        fold_mm=(0.3, 6.5 - 1.5 * index),
        stretch=(1.0, 1.5 + 0.4 * index),
        film_above=(0.3 + 0.5 * index, 2.2),
    )


@lru_cache(STYLES)
def of_style(index: int) -> list[StereoBatch]:
    """So many to adapt to, and so many to score."""
    frames = SyntheticPairs("val", TO_ADAPT + SCORED, SIZE, style=style(index))
    return [frames[i] for i in range(len(frames))]


def errors(model: Model, frames: list[StereoBatch]) -> Errors:
    """Means over frames, in mm."""
    network, off = Finest(model.network, flip=True), []
    for one in frames:
        true = one["depth_mm"]
        found = network(one["left"][None]).seen_by(one["rig"]).depth_mm()[0]
        scaled = found * (true.median() / found.median())
        off.append([float((depth - true).abs().mean()) for depth in (found, scaled)])
    unscaled, median = np.mean(off, 0).round(2).tolist()
    return unscaled, median


def adapted(model: Model, frames: list[StereoBatch]) -> float | None:
    """Unscaled, by the statistics of the frames that are not scored."""
    given = frames[:TO_ADAPT]
    tried = Statistics()(model, Frames(given, given, given), Path())
    return errors(tried.model, frames[TO_ADAPT:])[0] if isinstance(tried, Tried) else None


def told(checkpoint: Path) -> dict[str, Any]:
    """All numbers of one checkpoint."""
    model = Adaptable.read(checkpoint).model
    own, wide = SyntheticPairs("val", SCORED, SIZE), WidePairs("val", 48, SIZE, kept=True)
    styles = [of_style(i) for i in range(STYLES)]
    found = [errors(model, one[TO_ADAPT:]) for one in styles]
    after = [adapted(model, one) for one in styles]
    return {
        "own_style": errors(model, [own[i] for i in range(SCORED)]),
        "other_styles": found,
        "other_styles_mean": np.mean(found, 0).round(2).tolist(),
        "after_statistics": after,
        "after_statistics_mean": None if None in after else round(float(np.mean(after)), 2),
        "synthetic_wide": errors(model, [wide[i] for i in range(48)]),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs = {one: told(Path(one)) for one in sys.argv[1:]}
    json.dump(runs, sys.stdout, indent=1)
