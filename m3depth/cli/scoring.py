"""What `train` ends with and `evaluate` does: numbers, pictures and a report."""

import logging
from pathlib import Path
from typing import Any

import torch
from hydra.core.hydra_config import HydraConfig
from jaxtyping import Float
from omegaconf import OmegaConf
from torch import Tensor, nn

from m3depth.data.module import StereoData
from m3depth.evaluation.evaluate import evaluate
from m3depth.evaluation.protocol import Protocol
from m3depth.priors.load import pick_device
from m3depth.report.page import write_report
from m3depth.types import Disparity

logger = logging.getLogger(__name__)


def score(
    network: nn.Module,
    data: StereoData,
    protocol: Protocol,
    output: Path,
    *,
    checkpoint: Path,
    config: dict[str, Any],
    device: str = "auto",
) -> None:
    """Score ``network`` on the test pairs; writes metrics.json, per_frame.csv and report.html."""
    network = network.eval().to(pick_device(device))
    where = next(network.parameters()).device

    def predict(left: Float[Tensor, "b 3 h w"]) -> Disparity:
        with torch.inference_mode():
            finest: Disparity = network(left.to(where))[0]
        return finest

    evaluation = evaluate(predict, data.test, protocol, data.train)
    name = HydraConfig.get().runtime.choices["data"]
    evaluation.write(
        output, data=name, protocol=protocol.name, checkpoint=str(checkpoint), config=config
    )
    curves = checkpoint.parents[1] / "metrics.csv"
    title = f"{config.get('name', 'evaluate')}: {name}"
    notes = {"checkpoint": str(checkpoint), "configuration": OmegaConf.to_yaml(config)}
    curves_or_none = curves if curves.is_file() else None
    write_report(output / "report.html", title, evaluation, curves_or_none, notes)
    for line in summary(evaluation.metrics, evaluation.baselines):
        logger.info(line)
    logger.info("report: %s", (output / "report.html").resolve())


def summary(metrics: dict[str, float], baselines: dict[str, dict[str, float]]) -> list[str]:
    """The headline, as lines."""
    lines = ["test: " + "  ".join(f"{name} {value:.3f}" for name, value in metrics.items())]
    for name, values in baselines.items():
        line = f"{name}: " + "  ".join(f"{key} {value:.3f}" for key, value in values.items())
        for metric in ("mae_mm", "epe_px"):
            if metric in metrics and values.get(metric):
                line += f"  ({metric} {100 * (1 - metrics[metric] / values[metric]):+.0f} % better)"
        lines.append(line)
    return lines
