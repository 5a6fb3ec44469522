"""``m3depth bench NAME``."""

import json
import sys
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig

from m3depth.errors import ConfigError
from m3depth.io.files import write_text
from m3depth.outputs.places import require_place
from m3depth.validation import require_switch


def bench(config: DictConfig) -> None:
    """Measure, and give the figures as JSON."""
    require_switch("overwrite", config.overwrite)
    if config.output is not None:
        _require_file(Path(config.output), config.overwrite)
    text = json.dumps(instantiate(config.benchmark), indent=2) + "\n"
    if config.output is None:
        sys.stdout.write(text)
    else:
        write_text(Path(config.output), text)


def _require_file(path: Path, overwrite: bool) -> None:
    """Refuse a file that must not be replaced before an hour of measuring."""
    require_place(path.parent / "bench")
    if path.is_dir():
        raise ConfigError(f"output={path}: is a folder; name a file")
    if path.exists() and not (overwrite and path.suffix == ".json"):
        raise ConfigError(
            f"output={path}: is there; overwrite=true replaces a .json, or choose another output="
        )
