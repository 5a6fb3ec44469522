"""Level after level on styles that a checkpoint was not trained on: by the gate, and by the truth.

python levels.py CHECKPOINT RECORD.json SEED ... goes on with what RECORD.json has.
40 frames to adapt to, 8 to stop by, 8 to judge by, other ones for each seed; scored on 32 others.
"""

import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from m3depth.adaptation.adapt import adapt
from m3depth.adaptation.frames import Frames, Samples, chosen
from m3depth.adaptation.level import Level
from m3depth.adaptation.model import Adaptable, Model
from m3depth.check.require_fit import require_fit
from m3depth.cli.configuration import configuration
from m3depth.data.synthetic import SyntheticPairs
from m3depth.data.synthetic.wide import WidePairs
from m3depth.networks.finest import Finest
from m3depth.types import StereoBatch

SIZE = (128, 160)
TO_ADAPT, SCORED = 56, 32
STYLES = ("test_spleen", "test_gallbladder", "test_omentum", "test_style")
SETS = [("synthetic_wide", one) for one in STYLES] + [("synthetic", one) for one in STYLES]


def pairs(data: str, split: str, seed: int, count: int) -> list[StereoBatch]:
    """Of the demo's rig; seed 0 is what ``m3depth evaluate data.test.split=`` scores."""
    if data == "synthetic_wide":
        return list(_all(WidePairs(split, count, SIZE, seed=seed)))
    return list(_all(SyntheticPairs(split, count, SIZE, seed=seed, cache=False)))


def _all(frames: WidePairs | SyntheticPairs) -> list[StereoBatch]:
    return [frames[index] for index in range(len(frames))]


class Watched(Level):
    """A level, and what it came to, whether the gate keeps it or not."""

    def __init__(self, level: Level) -> None:
        self.level, self.stereo, self.metric = level, level.stereo, level.metric
        self.tried: Model | None = None

    def __call__(self, model: Model, frames: Frames, folder: Path) -> Any:
        """See `Level`."""
        outcome = self.level(model, frames, folder)
        self.tried = getattr(outcome, "model", None)
        return outcome


def levels() -> dict[str, Watched]:
    """Those of ``m3depth adapt``."""
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("adapt", ["checkpoint=x", "output=x", "input=x"])
    made = instantiate(config.levels, _convert_="all")
    return {name: Watched(level) for name, level in made.items()}


def error_mm(model: Model, scored: list[StereoBatch]) -> float:
    """Unscaled MAE over all pixels, mean over frames, with ``flip=true``."""
    network = Finest(model.network, flip=True)
    off = []
    for sample in scored:
        found = network(sample["left"][None]).seen_by(sample["rig"]).depth_mm()[0]
        off.append(float((found - sample["depth_mm"]).abs().mean()))
    return float(np.mean(off))


def row(model: Model, data: str, split: str, seed: int) -> dict[str, Any]:
    """What one set's levels gave: `now_mm` is of what the gate keeps, `tried_mm` of the level."""
    scored = pairs(data, split, 0, SCORED)
    frames = chosen(Samples(pairs(data, split, seed, TO_ADAPT)), 40)
    require_fit(frames.data(), "error")
    tried = levels()
    with tempfile.TemporaryDirectory() as folder:
        ledger = adapt(model, frames, tried, Path(folder)).ledger
    now = error_mm(model, scored)
    told: dict[str, Any] = {"data": data, "split": split, "seed": seed, "before_mm": now}
    for entry, level in zip(ledger, tried.values(), strict=True):
        by_truth = None if level.tried is None else error_mm(level.tried, scored)
        now = by_truth if entry["kept"] and by_truth is not None else now
        about = {name: entry.get(name) for name in ("kept", "said", "seconds", "kept_step")}
        told[entry["level"]] = {"now_mm": now, "tried_mm": by_truth, **about}
    return told


def main(checkpoint: Path, record: Path, seeds: list[int]) -> None:
    """Every set with the first seed, then with the next."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    model = Adaptable.read(checkpoint).model
    rows = json.loads(record.read_text("utf-8")) if record.is_file() else []
    done = {(one["data"], one["split"], one["seed"]) for one in rows}
    for seed in seeds:
        for data, split in SETS:
            if (data, split, seed) not in done:
                rows.append(row(model, data, split, seed))
                record.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    sys.stdout.write(table(rows))


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: of every set the mean over its seeds."""
    lines = []
    for data, split in SETS:
        here = [one for one in rows if (one["data"], one["split"]) == (data, split)]
        if here:
            kept = [_kept(here, name) for name in ("statistics", "scale", "steps")]
            before = np.mean([one["before_mm"] for one in here])
            cells = [f"`{data}`, `{split}`", str(len(here)), f"{before:.1f}", *kept]
            lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def _kept(rows: list[dict[str, Any]], level: str) -> str:
    now = np.mean([one[level]["now_mm"] for one in rows])
    tried = [one[level]["tried_mm"] for one in rows if one[level]["tried_mm"] is not None]
    kept = sum(one[level]["kept"] for one in rows)
    told = f", tried {np.mean(tried):.1f}" if tried else ""
    return f"{now:.1f} (kept {kept} of {len(rows)}{told})"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [int(one) for one in sys.argv[3:]])
