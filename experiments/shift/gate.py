"""60 adaptations, half of them useless or harmful by construction: is the gate right?

python experiments/shift/gate.py CHECKPOINT [TRIALS_OF_EACH_KIND] > gate.json
"""

import json
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from m3depth.adaptation.adapt import adapt
from m3depth.adaptation.frames import Frames, Samples, chosen
from m3depth.adaptation.level import Level
from m3depth.adaptation.model import Adaptable, Model
from m3depth.adaptation.scale import ByMatcher
from m3depth.adaptation.statistics import Statistics
from m3depth.check.require_fit import require_fit
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import UserError
from m3depth.networks.finest import Finest
from m3depth.types import StereoBatch

COUNT = 80  # 40 to adapt to, 8 to stop by, 32 to judge by
SCORED = 16  # other frames, whose truth tells whether it helped

Pairs = list[StereoBatch]


class Trial(NamedTuple):
    """One adaptation."""

    model: Model
    level: Level
    frames: Callable[[], Frames]  # may be refused
    scored: Pairs


def pairs(split: str, seed: int, count: int, **how: Any) -> Pairs:
    """Rendered pairs that no training has seen."""
    made = SyntheticPairs(split, count, (128, 160), seed=1000 + seed, cache=False, **how)
    return [made[index] for index in range(count)]


def looked_at(read: Pairs) -> Frames:
    """As ``m3depth adapt`` reads them."""
    frames = chosen(Samples(read), 40)
    require_fit(frames.data(), "error")
    return frames


def other_style(model: Model, seed: int) -> Trial:
    """Helps: the statistics of a style that it was not trained on."""
    read = pairs("test_style", seed, COUNT + SCORED)
    return Trial(model, Statistics(), lambda: looked_at(read[:COUNT]), read[COUNT:])


def wrong_scale(model: Model, seed: int) -> Trial:
    """Helps: a network whose disparity is off by 12 to 40 %, and pairs that show it."""
    factor = float(np.exp((0.12 + 0.02 * seed) * (1 if seed % 2 else -1)))
    read = pairs("test", seed, COUNT + SCORED)
    scaled = model.scaled(factor, 0.0)
    return Trial(scaled, ByMatcher(), lambda: looked_at(read[:COUNT]), read[COUNT:])


def black(model: Model, seed: int) -> Trial:
    """Nothing to see."""
    read = pairs("test_style", 100 + seed, SCORED + 1)
    none: StereoBatch = {**read[0], "left": read[0]["left"] * 0, "right": read[0]["right"] * 0}
    frames = [{**none, "key": str(index)} for index in range(COUNT)]
    return Trial(model, Statistics(), lambda: looked_at(frames), read[1:])


def repeated(model: Model, seed: int) -> Trial:
    """One frame again and again."""
    read = pairs("test_style", 200 + seed, SCORED + 1)
    frames: Pairs = [{**read[0], "key": str(index)} for index in range(COUNT)]
    return Trial(model, Statistics(), lambda: looked_at(frames), read[1:])


def swapped(model: Model, seed: int) -> Trial:
    """The right view for the left one."""
    read = pairs("test_style", 300 + seed, COUNT + SCORED)
    turned: Pairs = [{**one, "left": one["right"], "right": one["left"]} for one in read[:COUNT]]
    return Trial(model, ByMatcher(), lambda: looked_at(turned), read[COUNT:])


def other_rig(model: Model, seed: int) -> Trial:
    """Adapted to another endoscope's pairs, and wanted for its own."""
    other = pairs("test", 400 + seed, 40, endoscope=7 + seed)
    own = pairs("test", 450 + seed, 40 + SCORED)
    frames = Frames(other, own[:8], own[8:40])
    return Trial(model, ByMatcher(), lambda: frames, own[40:])


def trained_style(model: Model, seed: int) -> Trial:
    """Nothing is amiss: the statistics of the style that it was trained on."""
    read = pairs("test", 500 + seed, COUNT + SCORED)
    return Trial(model, Statistics(), lambda: looked_at(read[:COUNT]), read[COUNT:])


HELPFUL = {other_style: 15, wrong_scale: 15}
USELESS = {black: 6, repeated: 6, swapped: 6, other_rig: 6, trained_style: 6}


def error_mm(model: Model, scored: Pairs) -> float:
    """Mean over frames and pixels, unscaled."""
    network = Finest(model.network)
    return float(np.mean([_error(network, sample) for sample in scored]))


def _error(network: Finest, sample: StereoBatch) -> float:
    found = network(sample["left"][None])  # of the pictures' own size
    depth_mm = found.seen_by(sample["rig"]).depth_mm()[0]
    return float((depth_mm - sample["depth_mm"]).abs().mean())


def judged(trial: Trial) -> dict[str, Any]:
    """What the gate said, and what the truth says."""
    before = error_mm(trial.model, trial.scored)
    try:
        frames = trial.frames()
    except UserError as error:
        return {"kept": False, "said": str(error), "before_mm": before}
    tried: list[Model] = []

    class Seen(Level):
        """The level, whose outcome is kept for the truth to look at."""

        stereo, metric = trial.level.stereo, trial.level.metric

        def __call__(self, *given: Any) -> Any:
            outcome = trial.level(*given)
            tried.extend([outcome.model] if hasattr(outcome, "model") else [])
            return outcome

    with tempfile.TemporaryDirectory() as folder:
        adapted = adapt(trial.model, frames, {"level": Seen()}, Path(folder))
    told = {"kept": adapted.helped, "said": adapted.ledger[0]["said"], "before_mm": before}
    return told | ({"after_mm": error_mm(tried[0], trial.scored)} if tried else {})


def main(checkpoint: Path, most: int) -> dict[str, Any]:
    """All trials, in order."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    model = Adaptable.read(checkpoint).model
    rows = []
    for helpful, kinds in ((True, HELPFUL), (False, USELESS)):
        for kind, count in kinds.items():
            for seed in range(min(count, most)):
                row = {"kind": kind.__name__, "seed": seed, "helpful": helpful}
                row |= judged(kind(model, seed))
                rows.append(row)
                sys.stderr.write(f"{json.dumps(row)}\n")
    right = sum(row["kept"] is row["helpful"] for row in rows)
    return {"trials": len(rows), "judged_rightly": right, "rows": rows}


if __name__ == "__main__":
    many = int(sys.argv[2]) if len(sys.argv) > 2 else COUNT
    json.dump(main(Path(sys.argv[1]), many), sys.stdout, indent=1)
