"""``m3depth adapt``."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.adaptation.frames import Frames, chosen, from_input
from m3depth.adaptation.model import Adaptable
from m3depth.check.require_fit import require_fit
from m3depth.cli.adaptation import CHECKPOINT, Adaptation, verdict
from m3depth.cli.inputs import data_inputs
from m3depth.cli.other_images import tell_differences
from m3depth.cli.trainer import quieten
from m3depth.data.own_size import marks
from m3depth.errors import ConfigError
from m3depth.sources.trained_rig import TrainedRig
from m3depth.validation import require_number

PARTS = ("train", "val", "test")
OF_A_COMMAND = ("checkpoint", "levels", "output", "overwrite", "hydra")


def adapt(config: DictConfig) -> None:
    """Adapt a checkpoint's network to other images, without labels, and say whether it helped."""
    quieten()
    _require_options(config)
    plain: Any = OmegaConf.to_container(config, resolve=False)
    adaptation = Adaptation(
        Path(config.checkpoint),
        plain["levels"],
        partial(_frames, config),
        _named(config),
        Path(str(config.output)),
        asked={name: value for name, value in plain.items() if name not in OF_A_COMMAND},
        inputs={"input": config.input, **(data_inputs(config.data) if "data" in config else {})},
        overwrite=config.overwrite,
    )
    adapted = adaptation.run()
    sys.stdout.write(verdict(adapted) + f"\n{adaptation.output / CHECKPOINT}\n")


def _require_options(config: DictConfig) -> None:
    """Before anything is read."""
    if (config.input is None) == ("data" not in config):
        raise ConfigError(
            "say what to adapt to: input=DIR or VIDEO, or data=NAME; one of both, not both"
        )
    if config.part not in PARTS:
        raise ConfigError(f"part={config.part}: choose {', '.join(PARTS)}")
    require_number("frames", config.frames, 1, whole=True)
    if config.first_s is not None:
        require_number("first_s", config.first_s, 0.1)
        if config.input is None:
            raise ConfigError("first_s= is for a video, which input= names")


def _frames(config: DictConfig, adaptable: Adaptable) -> tuple[Frames, set[str]]:
    """What to adapt to, looked at as a training would be; and the marks of its files."""
    size, marked = adaptable.size, set()
    if config.input is not None:
        frames = from_input(Path(config.input), size, config.frames, config.first_s)
    else:
        config.data.size = list(size)
        OmegaConf.resolve(config.data)
        whole = instantiate(config.data[config.part])
        frames, marked = chosen(whole, config.frames), set(marks(whole))
    source = None if config.input is None else Path(config.input)
    tell_differences(frames, TrainedRig(adaptable.rig, adaptable.size), source)
    if frames.stereo:
        require_fit(frames.data(), config.check)
    return frames, marked


def _named(config: DictConfig) -> str:
    """What it is adapted to, for records."""
    if config.input is not None:
        return str(config.input)
    chosen_set = HydraConfig.get().runtime.choices["data"]
    root = config.data.get("root")
    return f"{chosen_set}, {config.part}" + (f" ({root})" if root else "")
