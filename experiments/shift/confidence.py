"""Does a checkpoint know when it is wrong? Risk and coverage on sets that it was not trained on.

python experiments/shift/confidence.py CHECKPOINT > confidence.json
"""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.evaluation.protocol import Compared
from m3depth.evaluation.reliability import Reliability
from m3depth.evaluation.scoring import scale_ratio
from m3depth.evaluation.truth import Truth, as_batch
from m3depth.networks.trained import load_model
from m3depth.sources.checkpoint import network_source
from m3depth.sources.network import NetworkSource

CONF = Path(__file__).resolve().parents[2] / "conf"
WIDE = "data=synthetic_wide data.test.split"
SETS = {
    "synthetic": "data=synthetic",
    "synthetic_style": "data=synthetic_style",
    "test_spleen": f"{WIDE}=test_spleen",
    "test_gallbladder": f"{WIDE}=test_gallbladder",
    "test_omentum": f"{WIDE}=test_omentum",
}
KEPT = ("count", "mae_mm", "area_mm", "area_perfect_mm", "share")
DROPPED = ("mae_mm_without_least_confident", "mae_mm_without_largest_errors")


def configured(overrides: str) -> DictConfig:
    """As ``m3depth evaluate`` has it."""
    given = ["data.size=[128,160]", "output=none", "checkpoint=none"]
    with initialize_config_dir(str(CONF), version_base=None):
        config = compose("evaluate", [*overrides.split(), *given])
    OmegaConf.resolve(config)
    return config


def compared(source: NetworkSource, overrides: str) -> list[Compared]:
    """Every test frame with its truth, unscaled."""
    config = configured(overrides)
    protocol = instantiate(config.protocol.unscaled, _convert_="all")
    frames, found = instantiate(config.data.test), []
    for index in range(len(frames)):
        sample = frames[index]
        truth = protocol.within(Truth.of(as_batch(sample)))
        found.append(protocol.compare(source([sample])[0].on("cpu"), truth))
    return found


def scored(frames: Sequence[Compared]) -> dict[str, Any]:
    """What the confidence is worth, by the pixel's expected error alone and with the scale's."""
    alone = [one._replace(seen=replace(one.seen, scale_deviation=None)) for one in frames]
    return {"pixel": ranked(alone), "pixel_and_scale": ranked(frames), "scale": scale(frames)}


def ranked(frames: Sequence[Compared]) -> dict[str, Any]:
    """`Reliability.record`, in short; ``of_what_truth_takes``: by dropping the worst fifth."""
    reliability = Reliability()
    for one in frames:
        reliability.add(one)
    told = reliability.record()
    found = {name: float(np.mean(told[name])) for name in ("told", "right")}
    for part in ("pixels", "frames"):
        record = told[part]
        without, best = (record["mae_mm"] - record[name] for name in DROPPED)
        kept = {name: record[name] for name in (*KEPT, *DROPPED)}
        found[part] = {**kept, "of_what_truth_takes": without / best}
    return found


def scale(frames: Sequence[Compared]) -> dict[str, float]:
    """What the deviations say, and how far the scales are off; ``over`` is 1 if told right."""
    ratio = np.array([np.log(scale_ratio(one)["scale_ratio"]) for one in frames])
    told = np.array([float(one.seen.scale_deviation) for one in frames])
    return {
        "median_told": float(np.median(told)),
        "root_mean_square_off": float(np.sqrt(np.mean(ratio**2))),
        "over": float(np.sqrt(np.mean((ratio / told) ** 2))),
    }


def main(checkpoint: Path) -> dict[str, Any]:
    """Every set, and all of them together."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    source = network_source(checkpoint, "cpu", flip=True)
    found = {name: compared(source, overrides) for name, overrides in SETS.items()}
    sets = {name: scored(frames) for name, frames in found.items()}
    own = found["synthetic"]
    for name, frames in found.items():
        if frames is not own:
            sets[f"synthetic and {name}"] = scored([*own, *frames])
    together = scored([one for frames in found.values() for one in frames])
    deviation = load_model(checkpoint).deviation
    return {"scale_deviation": deviation._asdict(), "sets": sets, "together": together}


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout, indent=1)
