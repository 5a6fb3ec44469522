"""Going on with a run: its own configuration, and on top of it what the command line gives."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from m3depth.errors import ConfigError, UserError
from m3depth.io.files import write_text
from m3depth.stopping import Stopped

Plain = dict[str, Any]
GIVEN = "# made with "  # the first line of a config.yaml, before its overrides
OF_A_COMMAND = ("output", "checkpoint", "overwrite")  # what each command says for itself
logger = logging.getLogger(__name__)


class Earlier(NamedTuple):
    """What an output's ``config.yaml`` says."""

    config: Plain
    overrides: list[str]  # that made it, without those of a command's own

    @classmethod
    def of(cls, output: Path) -> "Earlier | None":
        """None where there is none.

        Raises:
            UserError: it is there and no configuration.
        """
        path = output / "config.yaml"
        if not path.is_file():
            return None
        try:
            text = path.read_text(encoding="utf-8")
            first = text.partition("\n")[0]
            given = json.loads(first.removeprefix(GIVEN)) if first.startswith(GIVEN) else []
            config = yaml.safe_load(text)
        except (ValueError, yaml.YAMLError) as error:
            raise UserError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
        of_words = isinstance(given, list) and all(isinstance(one, str) for one in given)
        if not (of_words and isinstance(config, dict) and "output" in config):
            raise UserError(
                f"{path}: is no configuration of a run; move it away, and the checkpoint's own is "
                "taken"
            )
        return cls(config, given)


def save_config(path: Path, config: Plain) -> None:
    """Write a run's configuration, with the overrides that made it in a comment."""
    given = [
        one
        for one in HydraConfig.get().overrides.task
        if _parsed([one])[0].key_or_group not in OF_A_COMMAND
    ]
    write_text(path, f"{GIVEN}{json.dumps(given)}\n{OmegaConf.to_yaml(OmegaConf.create(config))}")


def own_checkpoint(output: object, checkpoint: object) -> Path | None:
    """The checkpoint, where it is one of the output's own: a run that goes on."""
    if output is None or checkpoint is None:
        return None
    last = Path(str(output)) / "checkpoints" / "last.ckpt"
    path = last if checkpoint == "last" else Path(str(checkpoint))
    return path if path.is_file() and path.resolve().parent == last.resolve().parent else None


def with_earlier(settings: list[str], multirun: bool) -> list[str]:
    """The settings, after those that made the run that they go on with.

    Raises:
        ConfigError: a multirun, which goes on with no single run.
    """
    try:
        typed = _parsed(settings)
    except HydraException:
        return settings  # Hydra says what is wrong
    values = {one.key_or_group: one.value() for one in typed if not one.is_sweep_override()}
    if own_checkpoint(values.get("output"), values.get("checkpoint")) is None:
        return settings
    if multirun:
        raise ConfigError("checkpoint= goes on with one run: output=RUN, without -m")
    earlier = Earlier.of(Path(str(values["output"])))
    return settings if earlier is None else _merged(earlier.overrides, typed)


def _merged(earlier: Iterable[str], typed: list[Override]) -> list[str]:
    """All of them, each key once: what is typed now comes instead of what was typed then."""
    kept: list[str] = []
    replaced: list[Override] = []
    before = _parsed(list(earlier))
    left_out = {one.key_or_group for one in before if one.is_delete()}
    # `~logger` was noted with the empty group that it leaves, which is not the user's
    before = [one for one in before if one.key_or_group not in left_out or one.is_delete()]
    choices = {one.key_or_group: one.value() for one in before}
    others = [new for new in typed if new.value() != choices.get(new.key_or_group)]
    for one in before:
        over = [new for new in typed if _replaces(new, one)]
        over += [new for new in others if _chooses_anew(new, one)]
        (replaced.append(one) if over else kept.append(one.input_line or ""))
    added = {one.key_or_group for one in replaced if one.is_add() or one.is_force_add()}
    now: list[str] = []
    for new in typed:
        line = new.input_line or ""
        if new.key_or_group not in added:
            now.append(line)
        elif not new.is_delete():  # a key that the defaults do not have
            now.append(f"++{line.lstrip('+')}")
    return [*kept, *now]


def _replaces(new: Override, old: Override) -> bool:
    below = new.is_delete() and (old.key_or_group or "").startswith(f"{new.key_or_group}.")
    return new.key_or_group == old.key_or_group or below


def _chooses_anew(new: Override, old: Override) -> bool:
    """Whether the old one is an option of what is chosen otherwise now: ``data.only``, ``data=``.

    All trainers have the same options.
    """
    group = new.key_or_group
    return group != "trainer" and (old.key_or_group or "").startswith(f"{group}.")


def _parsed(lines: list[str]) -> list[Override]:
    return OverridesParser.create().parse_overrides(lines)


def own_configuration(config: DictConfig, earlier: Earlier) -> DictConfig:
    """The earlier run's configuration, with what the command line changes in it.

    What the command line changes is the difference that its overrides make to a configuration that
    is composed of the earlier run's, so that what depends on them (``${data.root}``) changes too.

    Args:
        config: Composed of the earlier run's overrides and those of the command line.
        earlier: The run's own.
    """
    name = HydraConfig.get().job.config_name
    base: Any = OmegaConf.to_container(compose(name, earlier.overrides), resolve=True)
    given: Any = OmegaConf.to_container(config, resolve=True)
    own = _changed(earlier.config, base, given)
    own |= {key: given[key] for key in given if key in OF_A_COMMAND or key not in own}
    return OmegaConf.create({key: own[key] for key in own if key in given})


def _changed(own: Any, base: Any, given: Any) -> Any:
    """What is their own, but where what is given differs from its base."""
    if not (isinstance(own, dict) and isinstance(base, dict) and isinstance(given, dict)):
        return own if given == base else given
    result = {}
    for key in [*own, *(key for key in given if key not in own)]:
        if key in base and key in given:
            if key in own:
                result[key] = _changed(own[key], base[key], given[key])
            elif given[key] != base[key]:
                result[key] = given[key]
        elif key in given:
            result[key] = given[key]
        elif key not in base:
            result[key] = own[key]
    return result


def differences(earlier: Plain, now: Plain) -> dict[str, str]:
    """What changed, by the options' names: "50 -> 60"; where files go does not matter."""
    before, after = dict(_leaves("", earlier)), dict(_leaves("", now))
    old_output, new_output = str(earlier.get("output")), str(now.get("output"))
    found = {}
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, "none"), after.get(name, "none")
        moved = str(old).replace(old_output, new_output) == str(new)
        if old != new and not moved and name not in OF_A_COMMAND:
            found[name] = f"{old} -> {new}"
    return found


def refuse_changes(
    earlier: Plain, now: Plain, fixed: Sequence[str], free: Sequence[str] = ()
) -> None:
    """Stop at a change that the checkpoint does not allow.

    Args:
        earlier: The configuration that it was made with.
        now: The one to go on with.
        fixed: The options that must stay, with all below them
        free: but for these.

    Raises:
        ConfigError: naming the option.
    """
    for name, change in differences(earlier, now).items():
        of_fixed = any(name == one or name.startswith(f"{one}.") for one in fixed)
        if of_fixed and name not in free:
            raise ConfigError(
                f"{name}: {change}: a run goes on with what its checkpoint is of; begin anew with "
                "another output="
            )


def tell(what: str, output: Path, earlier: Earlier | None, now: Plain) -> None:
    """A line for the checkpoint, and one for each difference."""
    whose = "this command's" if earlier is None else "its own"
    logger.info("resuming %s, with %s configuration", what, whose)
    for name, change in differences(earlier.config, now).items() if earlier else ():
        logger.info("resuming %s: %s %s", output, name, change)


@contextmanager
def telling_how_to_go_on(verb: str, output: Path) -> Iterator[None]:
    """Around a run that writes ``checkpoints/last.ckpt``.

    Raises:
        Stopped: the run was asked to stop.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        if (output / "checkpoints" / "last.ckpt").is_file():
            ways = f"m3depth {verb} output={output} checkpoint=last goes on"
        else:
            ways = "there is no checkpoint yet: begin anew, with overwrite=true or another output="
        raise Stopped(f"stopped; {ways}") from stop


def _leaves(name: str, value: Any) -> list[tuple[str, Any]]:
    if not isinstance(value, dict) or not value:
        return [(name, value)]
    parts = ((f"{name}.{key}" if name else str(key), one) for key, one in value.items())
    return [leaf for key, one in parts for leaf in _leaves(key, one)]
