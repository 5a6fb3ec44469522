"""Scores, pictures and a report: the end of `train`, and `evaluate`."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import Dataset

from m3depth.cli.camera_scores import score_camera
from m3depth.data.own_size import marks
from m3depth.evaluation.doubts import doubts
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.result import Result
from m3depth.evaluation.result_files import write_record
from m3depth.reconstruction.motion.contract import MotionSource
from m3depth.report.page import write_report
from m3depth.report.protocols import protocol_lines
from m3depth.sources.source import Source
from m3depth.types import StereoBatch

logger = logging.getLogger(__name__)


def build_protocols(config: DictConfig) -> list[Protocol]:
    """The protocols that ``protocol=`` chose, in that order."""
    # one by one, and as plain containers: OmegaConf would take a dataclass for a configuration
    return [instantiate(one, _convert_="all") for one in config.protocol.values()]


def curves_of(checkpoint: str | Path) -> Path | None:
    """The `metrics.csv` of the run that wrote the checkpoint, if it is still there."""
    curves = Path(checkpoint).resolve().parent.parent / "metrics.csv"
    return curves if curves.is_file() else None


def score(
    source: Source,
    test: Dataset[StereoBatch],
    protocols: Sequence[Protocol],
    output: Path,
    *,
    about: Mapping[str, Any],
    config: dict[str, Any],
    train: Dataset[StereoBatch] | None = None,
    curves: Path | None = None,
    doubt: Callable[[Sequence[Result]], str] | None = None,
    motion: MotionSource | None = None,
    **options: bool,
) -> None:
    """Score predictions on test frames; writes metrics.json, per_frame.csv and report.html.

    Args:
        source: Gives each frame its depth.
        test: The frames.
        protocols: How to score; the first is the headline's.
        output: The folder to write to.
        about: Where the predictions came from, as `write_record` has it.
        config: The resolved configuration.
        train: For the `mean_depth` baseline.
        curves: A training's `metrics.csv`.
        doubt: A warning about these predictions' numbers; "" without one.
        motion: Gives the camera's path, which is scored where the data know it.
        options: Of `evaluate`.
    """
    evaluation = evaluate(source, test, protocols, train, **options)
    seen = sum(mark in source.trained_on for mark in marks(test)) if source.trained_on else 0
    warnings = [
        _seen_in_training(seen, test),
        *doubts(evaluation.results),
        doubt(evaluation.results) if doubt else "",
    ]
    evaluation = replace(evaluation, warnings=[one for one in warnings if one])
    name = HydraConfig.get().runtime.choices["data"]
    about = {**about, **{option: True for option, on in options.items() if on}}
    about |= {"frames_trained_on": seen} if seen else {}
    scores, camera = score_camera(test, motion)
    write_record(output, evaluation, data=name, source=about, config=config, camera=scores)
    title = f"{config.get('name', 'evaluate')}: {name}"
    notes = {key: str(value) for key, value in about.items()}
    notes["configuration"] = OmegaConf.to_yaml(config)
    write_report(output / "report.html", title, evaluation, curves, notes, camera)
    for line in summary(evaluation.first.metrics, evaluation.first.baselines):
        logger.info(line)
    for result in evaluation.results:
        logger.info("counted by %s: %s", result.protocol.name, result.counted)
    if len(evaluation.results) > 1:
        sys.stdout.write("\n".join(protocol_lines(evaluation)) + "\n")
    for warning in evaluation.warnings:
        logger.warning(warning)
    logger.info("report: %s", (output / "report.html").resolve())


def _seen_in_training(seen: int, test: Dataset[StereoBatch]) -> str:
    if not seen:
        return ""
    return (
        f"{seen} of {len(test)} test frames were trained on: "  # type: ignore[arg-type]
        "the scores say how well these are fitted, not how well new ones would be; train with "
        "data.hold_out=0.1, or give data.test frames of its own"
    )


def summary(metrics: dict[str, float], baselines: dict[str, dict[str, float]]) -> list[str]:
    """The headline, as lines."""
    lines = ["test: " + "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())]
    for name, values in baselines.items():
        line = f"{name}: " + "  ".join(f"{key} {value:.3f}" for key, value in values.items())
        for metric in ("mae_mm", "epe_px", "normal_deg"):
            if metric in metrics and values.get(metric):
                line += f"  ({metric} {_against(metrics[metric], values[metric])})"
        lines.append(line)
    return lines


def _against(error: float, other: float) -> str:
    share = 1 - error / other
    return f"{100 * abs(share):.0f} % {'better' if share >= 0 else 'worse'}"
