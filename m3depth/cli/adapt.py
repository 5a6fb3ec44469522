"""``m3depth adapt``."""

import hashlib
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from m3depth.adaptation.adapt import Adapted
from m3depth.adaptation.adapt import adapt as adapt_to
from m3depth.adaptation.frames import Frames, chosen, from_input
from m3depth.adaptation.model import Adaptable
from m3depth.check.require_fit import require_fit
from m3depth.cli.inputs import data_inputs
from m3depth.cli.trainer import quieten
from m3depth.data.own_size import marks
from m3depth.errors import ConfigError
from m3depth.evaluation.provenance import git_commit
from m3depth.io.files import write_json
from m3depth.outputs.output import Output
from m3depth.report.adaptation_page import write_adaptation_report
from m3depth.validation import require_number
from m3depth.version import __version__

PARTS = ("train", "val", "test")
CHECKPOINT = "checkpoints/best.ckpt"
FILES = (CHECKPOINT, "metrics.json", "report.html")
UNFINISHED = "unfinished"  # a folder in the output: what an interrupted run goes on from
OF_A_COMMAND = ("output", "overwrite", "hydra")


def adapt(config: DictConfig) -> None:
    """Adapt a checkpoint's network to other images, without labels, and say whether it helped."""
    quieten()
    _require_options(config)
    adaptable = Adaptable.read(Path(config.checkpoint))
    state = Path(str(config.output)) / UNFINISHED
    asked = _fingerprint(config)
    goes_on = (state / "settings").is_file() and (state / "settings").read_text() == asked
    output = Output(
        config.output,
        "adapt",
        inputs={"input": config.input, **(data_inputs(config.data) if "data" in config else {})},
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite and not goes_on,
        goes_on=goes_on,
        when_stopped=f"; the same command with output={config.output} goes on where it was",
        names=FILES,
    )
    with output.claimed() as claim:
        frames, seen = _frames(config, adaptable)
        claim.adopt([f"{UNFINISHED}/settings"])
        state.mkdir(parents=True, exist_ok=True)
        (state / "settings").write_text(asked)
        begun = time.monotonic()
        adapted = adapt_to(
            adaptable.model, frames, instantiate(config.levels, _convert_="all"), state
        )
        _write(config, adaptable, adapted, frames, seen, time.monotonic() - begun)
        shutil.rmtree(state)
    sys.stdout.write(_verdict(adapted) + f"\n{Path(config.output) / CHECKPOINT}\n")


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


def _fingerprint(config: DictConfig) -> str:
    """Of all settings that the result depends on."""
    plain: Any = OmegaConf.to_container(config, resolve=False)
    asked = {name: value for name, value in plain.items() if name not in OF_A_COMMAND}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _write(
    config: DictConfig,
    adaptable: Adaptable,
    adapted: Adapted,
    frames: Frames,
    seen: set[str],
    seconds: float,
) -> None:
    output = Path(config.output)
    rig = frames.adapt[0].get("rig") if adapted.metric else None
    adaptable.write(output / CHECKPOINT, adapted.model, rig, adapted.ledger, seen)
    source = _named(config)
    record = {
        "checkpoint": str(config.checkpoint),
        "adapted_to": source,
        "frames": {name: len(part) for name, part in frames._asdict().items()},
        "helped": adapted.helped,
        "levels": adapted.ledger,
        "seconds": round(seconds, 1),
        "version": __version__,
        **git_commit(),
    }
    write_json(output / "metrics.json", record)
    write_adaptation_report(output / "report.html", record, adaptable.model, adapted.model, frames)


def _verdict(adapted: Adapted) -> str:
    """A line for each level, and one for all."""
    lines = [
        f"{entry['level']:<12}{'kept' if entry['kept'] else 'not kept':<10}{entry['said']}"
        for entry in adapted.ledger
    ]
    end = "it helped" if adapted.helped else "nothing helped: the checkpoint is the one it was"
    return "\n".join([*lines, end])
