"""The settings of a run that goes on: those that it was made with, and on top what is typed now."""

from collections.abc import Iterable
from pathlib import Path

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from m3depth.cli.resume import Earlier, own_checkpoint, parsed
from m3depth.errors import ConfigError


def with_earlier(settings: list[str], multirun: bool) -> list[str]:
    """The settings, after those that made the run that they go on with.

    Raises:
        ConfigError: a multirun, which goes on with no single run.
    """
    try:
        typed = parsed(settings)
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
    before = parsed(list(earlier))
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
