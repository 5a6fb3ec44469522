"""Reads the runs, writes summary.json and plot.png: python analyse.py OUTPUT of run.sh.

A prior and objective that OUTPUT has no run of keeps what summary.json says of it.
Intervals are percentiles of 5000 resamples of clips and, within each, of its seeds.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

HERE = Path(__file__).parent
PRIORS = ("none", "stereo", "paper", "default", "adapted", "exact")
OBJECTIVES = ("m3depth", "deform3dgs", "surgicalgs", "colour")
COLOURS = dict(zip(OBJECTIVES, ("#3b82c4", "#d1701f", "#4c9a5b", "#8a94a1"), strict=True))
SHOWN = {"mae_mm": "depth error of held-out frames, mm", "psnr": "PSNR of held-out frames, dB"}
RESAMPLES = 5000

Clips = dict[int, list[float]]  # a value for each seed


def read(runs: Path) -> dict[str, dict[str, dict[str, Clips]]]:
    """Prior, objective and metric to each clip's values."""
    found: dict[str, dict[str, dict[str, Clips]]] = {}
    for path in sorted(runs.glob("*/*/*/metrics.json")):
        prior, objective, which = path.relative_to(runs).parts[:3]
        record = json.loads(path.read_text("utf-8"))
        values = {**record["metrics"], "median_scaled_mae_mm": record["median_scaled"]["mae_mm"]}
        values |= {f"prior_{k}": v for k, v in record["baselines"]["prior"].items()}
        values["seconds"] = record["seconds"]
        metrics = found.setdefault(prior, {}).setdefault(objective, {})
        for name, value in values.items():
            metrics.setdefault(name, defaultdict(list))[int(which.split("_")[0])].append(value)
    return found


def mean(clips: Clips) -> float:
    """Each clip counts once."""
    return float(np.mean([np.mean(values) for values in clips.values()]))


def interval(clips: Clips) -> list[float]:
    """95 % of the mean."""
    draw = np.random.default_rng(0)
    values = [np.array(one) for one in clips.values()]
    means = []
    for _ in range(RESAMPLES):
        chosen = draw.integers(len(values), size=len(values))
        means.append(np.mean([draw.choice(values[i], len(values[i])).mean() for i in chosen]))
    return [round(float(v), 3) for v in np.percentile(means, [2.5, 97.5])]


def summarised(metrics: dict[str, Clips]) -> dict[str, object]:
    """Every value, their mean and the interval."""
    told: dict[str, object] = {"runs": sum(map(len, metrics["psnr"].values()))}
    for name, clips in metrics.items():
        every = [round(value, 4) for values in clips.values() for value in values]
        told[name] = {"mean": round(mean(clips), 4), "interval": interval(clips), "runs": every}
    return told


def draw(summary: dict[str, dict[str, dict[str, object]]], path: Path) -> None:
    """Every run a dot, means with their intervals as bars."""
    figure, axes = plt.subplots(1, len(SHOWN), figsize=(12, 4.2), sharey=True)
    for axis, (metric, title) in zip(axes, SHOWN.items(), strict=True):
        for row, prior in enumerate(reversed(PRIORS)):
            of_prior = summary.get(prior, {})
            told = {name: of_prior[name] for name in OBJECTIVES if name in of_prior}
            for place, (name, one) in enumerate(told.items()):
                at, value = row + 0.2 * ((len(told) - 1) / 2 - place), one[metric]
                colour = COLOURS[name]
                axis.plot(value["interval"], [at, at], color=colour, linewidth=4, alpha=0.4)
                axis.plot(value["runs"], [at] * len(value["runs"]), ".", color=colour, markersize=4)
                axis.plot(value["mean"], at, "o", color=colour, label=name if row == 2 else None)
        axis.set_xlabel(title)
    axes[0].set_xscale("log")
    axes[0].set_yticks(range(len(PRIORS)), list(reversed(PRIORS)))
    handles = [plt.Line2D([], [], color=COLOURS[n], marker="o", label=n) for n in OBJECTIVES]
    axes[1].legend(handles=handles, loc="lower left", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main(output: Path) -> None:
    """All of it, and the table for README.md."""
    record = HERE / "summary.json"
    summary = json.loads(record.read_text("utf-8")) if record.is_file() else {}
    for prior, objectives in read(output / "runs").items():
        told = summary.get(prior, {}) | {n: summarised(m) for n, m in objectives.items()}
        summary[prior] = {name: told[name] for name in OBJECTIVES if name in told}
    record.write_text(json.dumps(summary, indent=1) + "\n")
    draw(summary, HERE / "plot.png")
    for prior in PRIORS:
        for name, one in summary.get(prior, {}).items():
            cells = [f"{one[m]['mean']:.2f} {one[m]['interval']}" for m in ("mae_mm", "psnr")]
            own = f"{one['prior_mae_mm']['mean']:.2f}" if prior != "none" else ""
            sys.stdout.write(f"| {prior} | {own} | `{name}` | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
