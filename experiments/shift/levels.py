"""Level after level on styles that a checkpoint was not trained on: by the gate, and by the truth.

python levels.py CHECKPOINT RECORD.json LEVEL,... DATA,... SEED ... goes on with what RECORD.json
has. LEVEL is of statistics, scale and steps; the first two take seconds, the steps minutes. DATA is
of synthetic and synthetic_wide. 40 frames to adapt to, 8 to stop by, 32 to judge by, others for
each seed from 1 on; scored on 32 more, the same for all.
"""

import json
import logging
import sys
import tempfile
from functools import lru_cache
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
TO_ADAPT, SCORED = 80, 32
STYLES = ("test_style", "test_spleen", "test_gallbladder", "test_omentum")
DATA = "synthetic_wide", "synthetic"
SETS = [(data, one) for data in DATA for one in STYLES]


@lru_cache(len(SETS))
def to_score(data: str, split: str) -> list[StereoBatch]:
    """The same for all seeds."""
    return pairs(data, split, 0, SCORED)


def pairs(data: str, split: str, seed: int, count: int) -> list[StereoBatch]:
    """Of the demo's rig; seed 0 is what ``m3depth evaluate data.test.split=`` scores."""
    kind = {"synthetic_wide": WidePairs, "synthetic": SyntheticPairs}[data]
    frames = kind(split, count, SIZE, seed=seed, cache=False)
    return [frames[index] for index in range(count)]


@lru_cache(4)
def to_adapt(data: str, split: str, seed: int) -> Frames:
    """The same for all systems, and none that is scored."""
    if seed == 0:
        raise SystemExit("SEED 0 is of the frames that are scored: take another")
    return chosen(Samples(pairs(data, split, seed, TO_ADAPT)), 40)


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


def levels(names: list[str]) -> dict[str, Watched]:
    """Those of ``m3depth adapt``."""
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("adapt", ["checkpoint=x", "output=x", "input=x"])
    made = instantiate(config.levels, _convert_="all")
    return {name: Watched(made[name]) for name in names}


def error_mm(model: Model, scored: list[StereoBatch]) -> float:
    """Unscaled MAE over all pixels, mean over frames, with ``flip=true``."""
    network = Finest(model.network, flip=True)
    off = []
    for sample in scored:
        found = network(sample["left"][None]).seen_by(sample["rig"]).depth_mm()[0]
        off.append(float((found - sample["depth_mm"]).abs().mean()))
    return float(np.mean(off))


def row(model: Model, data: str, split: str, seed: int, names: list[str]) -> dict[str, Any]:
    """What one set's levels gave: `now_mm` is of what the gate keeps, `tried_mm` of the level."""
    scored = to_score(data, split)
    frames = to_adapt(data, split, seed)
    require_fit(frames.data(), "error")
    tried = levels(names)
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


def main(
    checkpoint: Path, record: Path, names: list[str], data_sets: list[str], seeds: list[int]
) -> None:
    """Every set with the first seed, then with the next."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    model = Adaptable.read(checkpoint).model
    read = json.loads(record.read_text("utf-8")) if record.is_file() else []
    rows = {(one["data"], one["split"], one["seed"]): one for one in read}
    for seed in seeds:
        for data, split in SETS:
            if data in data_sets and not set(names) <= set(rows.get((data, split, seed), ())):
                rows[data, split, seed] = row(model, data, split, seed, names)
                record.write_text(json.dumps(list(rows.values()), indent=1) + "\n", "utf-8")
    sys.stdout.write(table(list(rows.values())))


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: of every set the mean over its seeds."""
    lines = []
    for data, split in SETS:
        here = [one for one in rows if (one["data"], one["split"]) == (data, split)]
        if here:
            before = f"{np.mean([one['before_mm'] for one in here]):.1f}"
            after = [_after(here, name) for name in ("statistics", "scale", "steps")]
            lines.append(f"| `{data}`, `{split}` | {before} | {' | '.join(after)} |\n")
    return "".join(lines)


def _after(rows: list[dict[str, Any]], level: str) -> str:
    told = [one[level] for one in rows if level in one]
    if not told:
        return ""
    now = f"{np.mean([one['now_mm'] for one in told]):.1f}"
    kept = f"kept {sum(one['kept'] for one in told)} of {len(told)}"
    tried = [one["tried_mm"] for one in told if one["tried_mm"] is not None]
    return f"{now} ({kept}; tried {np.mean(tried):.1f})" if tried else f"{now} ({kept})"


if __name__ == "__main__":
    given = [one.split(",") for one in sys.argv[3:5]]
    main(Path(sys.argv[1]), Path(sys.argv[2]), *given, [int(one) for one in sys.argv[5:]])
