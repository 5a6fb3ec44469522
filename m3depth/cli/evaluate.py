"""``m3depth evaluate``."""

from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.cli.app import run_with_hydra
from m3depth.cli.scoring import score
from m3depth.systems.checkpoint import load_model


def main(overrides: list[str]) -> None:
    """Score a checkpoint on the test pairs of a data set."""
    run_with_hydra("evaluate", overrides, _evaluate)


def _evaluate(config: DictConfig) -> None:
    model = load_model(config.checkpoint)
    config.data.size = config.data.size or list(model.size)
    plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    score(
        model.network,
        instantiate(config.data),
        instantiate(config.protocol),
        Path(config.output),
        checkpoint=Path(config.checkpoint),
        config=plain,
        device=config.device,
    )
