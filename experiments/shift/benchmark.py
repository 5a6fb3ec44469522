"""Depth on what was not trained on: any systems, on styles, lamps and cameras kept for tests.

python benchmark.py SYSTEMS.yaml OUTPUT [SEED ...] writes benchmark.json and benchmark.md to OUTPUT,
and goes on with what the former has. Each system of SYSTEMS.yaml has

  checkpoint   of `m3depth train`: scored as it is and, for each seed, after every level of
  levels       `m3depth adapt` (statistics, scale, steps), by 80 other frames of the set;
  predictions  or a folder of another system's maps SET/NNNNNN.npz (.npy .tiff .pfm .png), made of
               OUTPUT/images/SET/NNNNNN.png, which are written first;
  kind, scale  what their numbers are, as in `m3depth evaluate source=folder`;
  licence      of its weights, for the table.

The stereo matcher and the mean depth of `synthetic`'s training frames are always rows. A cell is
the mean absolute error in mm over all pixels of 32 frames that the system answers, with its 95 %
interval over frames, or the least and most of the seeds.
"""

import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import levels as by_level
import numpy as np
import torch
import yaml
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from m3depth.adaptation.adapt import adapt
from m3depth.adaptation.model import Adaptable
from m3depth.cli.configuration import configuration
from m3depth.data.synthetic import SyntheticPairs
from m3depth.errors import DataError
from m3depth.evaluation.counted import OF
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import Protocol
from m3depth.imaging.bytes import to_picture
from m3depth.io.files import write_png
from m3depth.networks.finest import Finest
from m3depth.sources.folder import FolderSource
from m3depth.sources.network import NetworkSource
from m3depth.sources.source import Source
from m3depth.sources.stereo import StereoSource
from m3depth.types import StereoBatch

STYLES = ("test", "test_style", "test_spleen", "test_gallbladder", "test_omentum")
SETS = [("synthetic", one) for one in STYLES]
SETS += [("synthetic_wide", one) for one in ("test_lamps", "test_cameras")]
TRAINED_ON = "synthetic/test"  # in no mean
TRAINING = 256  # frames that the constant is the mean of
PROTOCOLS = "unscaled,median,scale_shift"
Told = dict[str, Any]  # of one system, level and seed on one set


@lru_cache(1)
def protocols() -> list[Protocol]:
    """Those of `m3depth evaluate`."""
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("evaluate", [f"protocol=[{PROTOCOLS}]", "checkpoint=x", "output=x"])
    return [instantiate(one, _convert_="all") for one in config.protocol.values()]


@lru_cache(len(SETS))
def frames(data: str, split: str) -> list[StereoBatch]:
    """The same for all systems, named SET/NNNNNN."""
    found = by_level.pairs(data, split, 0, by_level.SCORED)
    return [one | {"key": f"{data}/{split}/{i:06d}"} for i, one in enumerate(found)]


def scored(source: Source, data: str, split: str) -> Told:
    """Under each protocol that fits what the system gives."""
    test, told = frames(data, split), {}
    for protocol in protocols():
        try:
            result = evaluate(source, test, [protocol]).first
        except DataError as error:  # such as millimetres of what has none
            logging.getLogger(__name__).warning("%s: %s", protocol.name, error)
            continue
        told[protocol.name] = {
            "mae_mm": result.metrics["mae_mm"],
            "interval": result.intervals["mae_mm"],
            "alignment": protocol.alignment,
            "answered": result.valid_pixels / result.pixels[OF],
        }
    return told


def of_network(model: Any, size: tuple[int, int]) -> NetworkSource:
    """With the mirrored image, as the demo's commands have it."""
    return NetworkSource(Finest(model.network, flip=True), size)


def adapted(system: Told, data: str, split: str, seed: int) -> Iterator[tuple[str, Told]]:
    """What the gate keeps after each level, scored."""
    ready = Adaptable.read(Path(system["checkpoint"]))
    model, names = ready.model, system.get("levels", [])
    for count, name in enumerate(names, 1):
        with tempfile.TemporaryDirectory() as folder:
            given = by_level.to_adapt(data, split, seed)
            model = adapt(model, given, by_level.levels([name]), Path(folder)).model
        yield ", ".join(names[:count]), scored(of_network(model, ready.size), data, split)


def all_of(system: Told, data: str, split: str, seeds: list[int]) -> Iterator[tuple[str, Told]]:
    """A system's rows on one set, by level and seed."""
    if "predictions" in system:
        options = {name: system[name] for name in ("kind", "scale") if name in system}
        yield "", scored(FolderSource(system["predictions"], **options), data, split)
    elif "checkpoint" in system:
        ready = Adaptable.read(Path(system["checkpoint"]))
        yield "", scored(of_network(ready.model, ready.size), data, split)
        for seed in seeds:
            for level, told in adapted(system, data, split, seed):
                yield f"{level}; {seed}", told
    else:
        yield "", scored(StereoSource(), data, split)


def constant(data: str, split: str, mean: float) -> Told:
    """A plane at the mean depth of the training."""
    off = [float((mean - one["depth_mm"]).abs().mean()) for one in frames(data, split)]
    spread = 1.96 * np.std(off, ddof=1) / len(off) ** 0.5
    interval = [np.mean(off) - spread, np.mean(off) + spread]
    about = {"alignment": "none", "answered": 1}
    return {"unscaled": {"mae_mm": np.mean(off), "interval": interval, **about}}


def main(systems: dict[str, Told], output: Path, seeds: list[int]) -> None:
    """Set after set, so that what there is can be looked at."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    path = output / "benchmark.json"
    record = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    training = SyntheticPairs("train", TRAINING, by_level.SIZE)
    mean = float(np.mean([training[i]["depth_mm"].mean() for i in range(TRAINING)]))
    for data, split in SETS:
        write_images(output / "images", data, split)
        here = record.setdefault(f"{data}/{split}", {})
        here.setdefault("mean depth", {"": constant(data, split, mean)})
        for name, system in {"matcher": {}, **systems}.items():
            if name not in here:
                here[name] = dict(all_of(system, data, split, seeds))
            path.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        (output / "benchmark.md").write_text(table(record, systems), "utf-8")


def write_images(folder: Path, data: str, split: str) -> None:
    """For systems that are run elsewhere."""
    for one in frames(data, split):
        path = folder / f"{one['key']}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, to_picture(one["left"]))


def table(record: Told, systems: dict[str, Told]) -> str:
    """Markdown: a row for each system, level and protocol."""
    sets = list(record)
    heads = ["system", "adapted by", "protocol", "alignment", "licence", "seeds", "answered"]
    heads += [*sets, "mean, held out"]
    rows = [heads, ["---"] * len(heads)]
    for name in next(iter(record.values())):
        licence = {"mean depth": "", "matcher": "Apache-2.0"}.get(name) or (
            systems.get(name, {}).get("licence", "")
        )
        first = record[sets[0]][name]
        for level in dict.fromkeys(key.partition("; ")[0] for key in first):
            for protocol in dict.fromkeys(p for told in first.values() for p in told):
                cells = [_of(record[one].get(name, {}), level, protocol) for one in sets]
                errors = [
                    np.mean([told["mae_mm"] for told in cell])
                    for one, cell in zip(sets, cells, strict=True)
                    if cell and one != TRAINED_ON
                ]
                every = [told for cell in cells for told in cell]
                answered = f"{np.mean([told['answered'] for told in every]):.0%}"
                about = [level or "nothing", protocol, every[0]["alignment"], licence]
                rows.append(
                    [name, *about, str(max(map(len, cells))), answered]
                    + [_cell(cell) for cell in cells]
                    + [f"{np.mean(errors):.1f}" if errors else ""]
                )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _of(told: Told, level: str, protocol: str) -> list[Told]:
    same = [one for key, one in told.items() if key.partition("; ")[0] == level]
    return [one[protocol] for one in same if protocol in one]


def _cell(told: list[Told]) -> str:
    if not told:
        return ""
    errors = [one["mae_mm"] for one in told]
    low, high = told[0]["interval"] if len(told) == 1 else (min(errors), max(errors))
    return f"{np.mean(errors):.1f} [{low:.1f}, {high:.1f}]"


if __name__ == "__main__":
    chosen_systems = yaml.safe_load(Path(sys.argv[1]).read_text("utf-8"))
    main(chosen_systems, Path(sys.argv[2]), [int(one) for one in sys.argv[3:]] or [1, 2, 3])
