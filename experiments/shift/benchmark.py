"""One table of all that a folder of benchmark.sh holds: python benchmark.py OUTPUT.

A row is a system under one protocol. A cell is the mean absolute error in mm over a set's frames
with its 95 % interval; seeds of one system (NAME, LEVEL, SEED) are one row, their mean and range.
"""

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

OURS = "MIT; ImageNet weights Apache-2.0"


class Score(NamedTuple):
    """Of one system on one set under one protocol."""

    system: str  # without its seed
    seed: str
    data: str
    protocol: str
    alignment: str
    licence: str
    frames: str
    mae_mm: float
    interval: tuple[float, float]


def scores(output: Path) -> Iterator[Score]:
    """Of every ``SYSTEM/SET/metrics.json``; the mean depth, of the first system's."""
    for path in sorted(output.glob("*/*/metrics.json")):
        folder, data = path.parts[-3], path.parts[-2]
        system, seed = folder, ""
        if folder.rpartition(", ")[2].isdigit():
            system, _, seed = folder.rpartition(", ")
        said = path.parents[1] / "licence.txt"
        licence = said.read_text("utf-8").strip() if said.is_file() else _licence(system)
        record = json.loads(path.read_text("utf-8"))
        for protocol, told in record["protocols"].items():
            yield _score(system, seed, data, protocol, licence, told)


def _licence(system: str) -> str:
    return "Apache-2.0 (OpenCV)" if system == "matcher" else OURS


def _score(
    system: str, seed: str, data: str, protocol: str, licence: str, told: dict[str, Any]
) -> Score:
    frames = f"{told['frames']} of {told['frames_of']}"
    mae, interval = told["metrics"]["mae_mm"], told["intervals"]["mae_mm"]
    return Score(
        system, seed, data, protocol, told["alignment"], licence, frames, mae, tuple(interval)
    )


def constant(output: Path) -> dict[str, float]:
    """The error of the training's mean depth on each set, as one system's evaluations have it."""
    found = {}
    for path in sorted(output.glob("*/*/metrics.json")):
        mean = json.loads(path.read_text("utf-8"))["baselines"].get("mean_depth")
        if mean:
            found.setdefault(path.parts[-2], mean["mae_mm"])
    return found


def rows(found: list[Score], sets: list[str]) -> Iterator[list[str]]:
    """Cells of the table, system after system."""
    found = sorted(found, key=lambda one: (one.system, one.protocol))
    for (system, protocol), group in groupby(found, key=lambda one: (one.system, one.protocol)):
        of_system = list(group)
        first = of_system[0]
        cells = [_cell([one for one in of_system if one.data == data]) for data in sets]
        held_out = [one.mae_mm for one in of_system if one.data != "synthetic.test"]
        mean = f"{np.mean(held_out):.1f}" if held_out else ""
        seeds = str(max(1, len({one.seed for one in of_system})))
        yield [system, protocol, first.alignment, first.licence, seeds, *cells, mean]


def _cell(scored: list[Score]) -> str:
    if not scored:
        return ""
    errors = [one.mae_mm for one in scored]
    low, high = scored[0].interval if len(scored) == 1 else (min(errors), max(errors))
    return f"{np.mean(errors):.1f} [{low:.1f}, {high:.1f}]"


def main(output: Path) -> None:
    """Write both files."""
    found = list(scores(output))
    sets = sorted({one.data for one in found})
    heads = ["system", "protocol", "alignment", "licence", "draws", *sets, "mean but synthetic.test"]
    means = constant(output)
    table = [
        heads,
        ["---"] * len(heads),
        ["mean depth of the training", "unscaled", "none", "", "1"]
        + [f"{means[data]:.1f}" if data in means else "" for data in sets]
        + [f"{np.mean([value for data, value in means.items() if data != 'synthetic.test']):.1f}"],
        *rows(found, sets),
    ]
    text = "\n".join(f"| {' | '.join(row)} |" for row in table)
    (output / "benchmark.md").write_text(text + "\n", "utf-8")
    record = {"mean_depth": means, "scores": [one._asdict() for one in found]}
    (output / "benchmark.json").write_text(json.dumps(record, indent=1), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
