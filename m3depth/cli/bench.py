"""``m3depth bench NAME``."""

import json
import sys
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from m3depth.cli.app import configuration, run_with_hydra
from m3depth.errors import ConfigError
from m3depth.files import write_text


def main(overrides: list[str]) -> None:
    """Measure, and give the figures as JSON."""
    names = sorted(file.stem for file in (configuration() / "benchmark").glob("*.yaml"))
    if {"-h", "--help"} & set(overrides[:1]):
        sys.stdout.write(f"usage: m3depth bench {' | '.join(names)} [key=value ...]\n\n")
        for file in ("bench", *(f"benchmark/{name}" for name in names)):
            sys.stdout.write((configuration() / f"{file}.yaml").read_text() + "\n")
        return
    if not overrides or overrides[0] not in names:
        raise ConfigError(f"name a benchmark first: m3depth bench {' | '.join(names)}")
    run_with_hydra("bench", [f"benchmark={overrides[0]}", *overrides[1:]], _bench)


def _bench(config: DictConfig) -> None:
    text = json.dumps(instantiate(config.benchmark), indent=2) + "\n"
    if config.output is None:
        sys.stdout.write(text)
    else:
        write_text(Path(config.output), text)
