"""The command line: Hydra's flags, in any place, and settings in a form that Hydra can read."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from m3depth.errors import ConfigError

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

# Their values are paths, and a path is what was typed: never a number, a list or a sweep.
PATHS = {
    *("output", "input", "checkpoint", "predictions", "scene", "truth", "rig", "hydra.sweep.dir"),
    *("anchor", "pairs", "poses", "teacher.checkpoint", "teacher.predictions"),
}
PATHS_OF_DATA = {"root", "rig"}
MULTIRUN = {"-m", "--multirun"}
HELP = {"-h", "--help"}


class Arguments(NamedTuple):
    """A command line, taken apart."""

    flags: list[str]  # Hydra's, each followed by its value
    settings: list[str]  # key=value, +key=value, ~key
    multirun: bool
    help: bool


def take_apart(arguments: list[str]) -> Arguments:
    """Flags and settings in any order, which Hydra's own parser does not accept.

    Raises:
        ConfigError: an unknown flag, or a word that is no setting.
    """
    flags: list[str] = []
    settings: list[str] = []
    words = iter(arguments)
    for word in words:
        if word.startswith("-") and word not in MULTIRUN | HELP:
            flags.extend(_flag(word, words))
        elif not word.startswith("-"):
            settings.append(word)
    multirun = bool(MULTIRUN & set(arguments))
    settings = [readable(_setting(one), multirun) for one in settings]
    for one in settings:
        key, _, value = one.partition("=")
        if "=" in one and not value.strip() and is_path(key) and key != "output":
            raise ConfigError(f"{key}= is empty: name a path (is a variable of it not set?)")
    return Arguments(flags, settings, multirun, bool(HELP & set(arguments)))


def readable(setting: str, multirun: bool = False) -> str:
    """The setting, with its value in quotes where Hydra would misread it.

    >>> readable("input=Patient 1 (left)"), readable("name=a=b"), readable("seed=3")
    ("input='Patient 1 (left)'", "name='a=b'", 'seed=3')
    """
    key, equals, value = setting.partition("=")
    path = is_path(key)
    quote = value[:1] if value[:1] in ("'", '"') else ""
    if path and value.startswith(f"{quote}~/"):  # a shell leaves it as it is in data.root=~/pairs
        value = quote + os.path.expanduser(value.removeprefix(quote))
    setting = key + equals + value
    if value in ("", "null") or (not path and value[0] in "[{"):
        return setting
    read = _read(setting)
    if read is not None and (multirun or not path or isinstance(read.value(), str)):
        return setting
    one = key + equals + _quoted(value)
    several = key + equals + ",".join(map(_quoted, value.split(",")))
    return next(filter(_read, [several, one] if multirun else [one]), setting)


def is_path(key: str) -> bool:
    """Whether a setting's value is the path of a file or a folder."""
    plain = key.lstrip("+")
    group, _, last = plain.rpartition(".")
    return plain in PATHS or (group.split(".")[0] == "data" and last in PATHS_OF_DATA)


def _setting(word: str) -> str:
    if ("=" not in word and not word.startswith("~")) or word.startswith("="):
        raise ConfigError(f"{word}: expected a setting, key=value; --help lists the keys")
    return word


def _flag(word: str, words: Iterator[str]) -> list[str]:
    """The flag, with the word after it where it takes one."""
    from hydra._internal.utils import get_args_parser

    name, _, given = word.partition("=")
    known = {one: action for action in get_args_parser()._actions for one in action.option_strings}
    if name not in known:
        setting = f"{name.lstrip('-')}={given}" if given else "key=value, without dashes"
        raise ConfigError(f"{word}: no such flag; settings are given as {setting}")
    takes_one = known[name].nargs is None
    if not takes_one or given:
        return [word]
    value = next(words, None)
    if value is None:
        raise ConfigError(f"{word}: expected a word after it")
    return [word, value]


def _read(setting: str) -> "Override | None":
    """As Hydra reads it; None where it cannot."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    try:
        return OverridesParser.create().parse_overrides([setting])[0]
    except OverrideParseException:
        return None


def _quoted(value: str) -> str:
    from hydra.core.override_parser.types import Quote, QuotedString

    return QuotedString(value, Quote.single).with_quotes()
