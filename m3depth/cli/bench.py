"""``m3depth bench NAME``."""

import json
import sys
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from m3depth.files import write_text


def bench(config: DictConfig) -> None:
    """Measure, and give the figures as JSON."""
    text = json.dumps(instantiate(config.benchmark), indent=2) + "\n"
    if config.output is None:
        sys.stdout.write(text)
    else:
        write_text(Path(config.output), text)
