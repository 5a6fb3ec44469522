"""Reads the runs, writes errors.json, summary.json and plot.png: python analyse.py RUNS FITS LONG.

RUNS/VARIANT/SEED, FITS/VARIANT/SEED and LONG/VARIANT/SEED hold what `m3depth train` wrote, and
RUNS/VARIANT/SEED/style what `m3depth evaluate` wrote on the style not trained on; LONG likewise.
Differences are to `monodepth`, of runs with `_recolour` to `monodepth_recolour`, scene by scene;
intervals are percentiles of 5000 resamples of scenes and, independently, of seeds.
"""

import csv
import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

HERE = Path(__file__).parent
CONTROL = "monodepth"
RECOLOURED = "_recolour"
RESAMPLES = 5000


def errors_mm(run: Path) -> np.ndarray:
    """Of every scene, in the set's order."""
    with (run / "per_frame.csv").open(newline="") as file:
        return np.array([float(row["mae_mm"]) for row in csv.DictReader(file)])


def read(runs: Path, part: str) -> dict[str, np.ndarray]:
    """(seeds, scenes) for every variant."""
    found: dict[str, list[np.ndarray]] = {}
    for table in sorted(runs.glob(f"*/[0-9]*/{part}/per_frame.csv")):
        name = table.relative_to(runs).parts[0]
        found.setdefault(name, []).append(errors_mm(table.parent))
    return {name: np.stack(seeds) for name, seeds in found.items()}


def interval(values: np.ndarray) -> list[float]:
    """95 % of the mean of (seeds, scenes)."""
    draw = np.random.default_rng(0)
    seeds, scenes = values.shape
    means = [
        values[draw.integers(seeds, size=seeds)][:, draw.integers(scenes, size=scenes)].mean()
        for _ in range(RESAMPLES)
    ]
    return [round(float(v), 3) for v in np.percentile(means, [2.5, 97.5])]


def compared(errors: dict[str, np.ndarray]) -> dict[str, dict[str, object]]:
    """Each variant's error, and its difference to the control over the seeds that both have."""
    told = {}
    for name, values in errors.items():
        control = errors[CONTROL + RECOLOURED * name.endswith(RECOLOURED)]
        both = min(len(values), len(control))
        difference = values[:both] - control[:both]
        told[name] = {
            "seeds": len(values),
            "mae_mm": round(float(values.mean()), 3),
            "of_each_seed_mm": [round(float(v), 3) for v in values.mean(1)],
            "difference_mm": round(float(difference.mean()), 3),
            "interval_mm": interval(difference),
        }
    return told


def draw(summary: dict[str, dict[str, dict[str, object]]], names: list[str], path: Path) -> None:
    """The differences with their intervals."""
    figure, axes = plt.subplots(1, len(summary), figsize=(15, 0.4 * len(names) + 1.4), sharey=True)
    for axis, (title, told) in zip(axes, summary.items(), strict=True):
        for row, name in enumerate(reversed(names)):
            if told.get(name, {}).get("seeds", 0) < 2:
                continue
            low, high = told[name]["interval_mm"]
            axis.plot([low, high], [row, row], color="#3b82c4", linewidth=3, alpha=0.5)
            axis.plot(told[name]["difference_mm"], row, "o", color="#3b82c4")
        axis.axvline(0, color="#8a94a1", linestyle=":")
        axis.set_title(f"{title} ({told[CONTROL]['mae_mm']:.2f} mm)", fontsize=11)
        axis.set_xlabel("MAE minus monodepth's, mm")
    axes[0].set_yticks(range(len(names)), [name.replace("_", " ") for name in reversed(names)])
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main(runs: Path, fits: Path, long: Path) -> None:
    """Three seeds are drawn; single runs of the sweep are only in the table."""
    errors = {
        "seen style": read(runs, "."),
        "unseen style": read(runs, "style"),
        "fitted scenes": read(fits, "."),
        "long, seen style": read(long, "."),
        "long, unseen style": read(long, "style"),
    }
    plain = {t: {n: v.round(2).tolist() for n, v in e.items()} for t, e in errors.items()}
    (HERE / "errors.json").write_text(json.dumps(plain) + "\n")
    summary = {title: compared(one) for title, one in errors.items()}
    (HERE / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    several = {name for one in summary.values() for name in one if one[name]["seeds"] > 1}
    several -= {CONTROL, CONTROL + RECOLOURED}
    fitted = summary["fitted scenes"]
    order = sorted(several, key=lambda name: (fitted.get(name, {}).get("mae_mm", 9.0), name))
    draw(summary, order, HERE / "plot.png")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
