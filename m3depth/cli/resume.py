"""Going on with a run: its own configuration, and on top of it what the command line gives."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from m3depth.cli.changes import OF_A_COMMAND, differences
from m3depth.errors import ConfigError, UserError
from m3depth.io.files import write_text
from m3depth.stopping import Stopped

Plain = dict[str, Any]
MADE_WITH = "# made with "  # the first line of a config.yaml, before its overrides
ABSENT = object()
logger = logging.getLogger(__name__)


class Earlier(NamedTuple):
    """What an output's ``config.yaml`` says."""

    config: Plain
    overrides: list[str]  # that made it, without those of a command's own

    @classmethod
    def of(cls, output: Path) -> "Earlier | None":
        """None where there is none; a `UserError` where the file is no configuration."""
        path = output / "config.yaml"
        if not path.is_file():
            return None
        try:
            text = path.read_text(encoding="utf-8")
            first = text.partition("\n")[0]
            given = json.loads(first.removeprefix(MADE_WITH)) if first.startswith(MADE_WITH) else []
            config = yaml.safe_load(text)
        except (ValueError, yaml.YAMLError) as error:
            raise UserError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
        of_words = isinstance(given, list) and all(isinstance(one, str) for one in given)
        if not (of_words and isinstance(config, dict) and "output" in config):
            raise UserError(
                f"{path}: is no configuration of a run; move it away to use the checkpoint's own"
            )
        return cls(config, given)


def save_config(path: Path, config: Plain) -> None:
    """Write a run's configuration, with the overrides that made it in a comment."""
    task = HydraConfig.get().overrides.task
    given = [one for one in task if parsed([one])[0].key_or_group not in OF_A_COMMAND]
    text = OmegaConf.to_yaml(OmegaConf.create(config))
    write_text(path, f"{MADE_WITH}{json.dumps(given)}\n{text}")


def parsed(lines: list[str]) -> list[Override]:
    """Overrides as Hydra reads them."""
    return OverridesParser.create().parse_overrides(lines)


def checkpoint_path(output: object, checkpoint: object) -> Path:
    """What ``checkpoint=`` names; ``last`` is the output's own."""
    return _last(output) if checkpoint == "last" else Path(str(checkpoint))


def own_checkpoint(output: object, checkpoint: object) -> Path | None:
    """The checkpoint, where it is one of the output's own: a run that goes on."""
    if output is None or checkpoint is None:
        return None
    path = checkpoint_path(output, checkpoint)
    own = path.is_file() and path.resolve().parent == _last(output).resolve().parent
    return path if own else None


def require_one(checkpoint: Path | None, overwrite: object) -> None:
    """Stop (`ConfigError`) where a run should both go on and begin anew."""
    if checkpoint and overwrite:
        raise ConfigError("checkpoint= goes on with the run, overwrite=true replaces it: give one")


def own_configuration(config: DictConfig, earlier: Earlier) -> DictConfig:
    """The earlier run's configuration, with what the command line changes in it.

    What the command line changes is the difference that its overrides make to a configuration that
    is composed of the earlier run's, so that what depends on them (``${data.root}``) changes too:
    ``config`` is composed of both.
    """
    name = HydraConfig.get().job.config_name
    base: Any = OmegaConf.to_container(compose(name, earlier.overrides), resolve=True)
    given: Any = OmegaConf.to_container(config, resolve=True)
    own = _changed(earlier.config, base, given)
    own |= {key: given[key] for key in given if key in OF_A_COMMAND or key not in own}
    return OmegaConf.create({key: own[key] for key in own if key in given})


def _changed(own: Any, base: Any, given: Any) -> Any:
    """What is their own, but where what is given differs from its base."""
    if not all(isinstance(one, dict) for one in (own, base, given)):
        return own if given == base else given
    found = {
        key: _changed(*(one.get(key, ABSENT) for one in (own, base, given)))
        for key in dict.fromkeys([*own, *given])
    }
    return {key: value for key, value in found.items() if value is not ABSENT}


def log_resumed(what: str, output: Path, earlier: Earlier | None, now: Plain) -> None:
    """A line for the checkpoint, and one for each difference."""
    whose = "this command's" if earlier is None else "its own"
    logger.info("resuming %s, with %s configuration", what, whose)
    for name, change in differences(earlier.config, now).items() if earlier else ():
        logger.info("resuming %s: %s %s", output, name, change)


@contextmanager
def stopped_with_advice(verb: str, output: Path) -> Iterator[None]:
    """Around a run that writes ``checkpoints/last.ckpt``: how to go on, where it is stopped.

    Raises:
        Stopped: the run was asked to stop.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        if _last(output).is_file():
            ways = f"m3depth {verb} output={output} checkpoint=last goes on"
        else:
            ways = "there is no checkpoint yet: begin anew, with overwrite=true or another output="
        raise Stopped(f"stopped; {ways}") from stop


def _last(output: object) -> Path:
    return Path(str(output)) / "checkpoints" / "last.ckpt"
