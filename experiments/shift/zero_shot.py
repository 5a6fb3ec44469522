"""The scores of zero_shot.sh in one record: python zero_shot.py OUTPUT > zero_shot.json."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml


def scores(path: Path) -> dict[str, Any]:
    """MAE in mm of a ``metrics.json``."""
    record = json.loads(path.read_text("utf-8"))
    under = {name: told["metrics"]["mae_mm"] for name, told in record["protocols"].items()}
    mean = record["baselines"]["mean_depth"]["mae_mm"]
    return {"frames": record["frames"], **under, "mean_training_depth": mean}


def main(output: Path) -> dict[str, Any]:
    """The training's settings, and every set's scores."""
    config = yaml.safe_load((output / "train/config.yaml").read_text("utf-8"))
    train = config["data"]["train"]
    told = {
        "objective_terms": sorted(config["objective"]["terms"]),
        "epochs": config["trainer"]["max_epochs"],
        "scenes": train["count"],
        "own_chance": train["world"]["own_chance"],
        "rendered_on_demand": not train.get("kept", False),
        "workers": config["data"]["workers"],
        "seed": config["seed"],
    }
    found = sorted(output.glob("*/*/metrics.json"))
    rows = {f"{p.parts[-3]}, {p.parts[-2]}": scores(p) for p in found}
    return {"training": told, "mae_mm": rows}


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout, indent=1)
