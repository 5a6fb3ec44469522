"""From a command line to a verb's task: composed first, so that a typo is told of at once."""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from m3depth.cli.app import configuration, expected
from m3depth.cli.arguments import Arguments, take_apart
from m3depth.cli.keys import checked

GO_ON = {"train", "splat"}  # with an earlier run in their output
OTHER_FILES = {"--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn"}


def run(
    verb: str,
    arguments: list[str],
    task: str,
    settings: str | None = None,
) -> int:
    """Compose a verb's configuration and run its task, once or as a multirun.

    Args:
        verb: For what is told to the user.
        arguments: Of the command line.
        task: Path of the function that takes the configuration; only imported when that is right.
            It returns an exit status, the value that its run is judged by, or nothing.
        settings: Name of its file in ``conf/``; the verb's own without it.

    Returns:
        The exit status.
    """
    given = take_apart(arguments)
    name = settings or verb
    if given.help:
        return _help(verb, name, given)
    if verb in GO_ON and any(one.startswith("checkpoint=") for one in given.settings):
        from m3depth.cli.resume import with_earlier

        given = given._replace(settings=with_earlier(given.settings, given.multirun))
    if given.multirun:
        from m3depth.cli.sweep import sweep

        return sweep(verb, name, given, task)
    value = run_once(verb, name, [*given.flags, *settle(name, given)], task, arguments)
    return value if isinstance(value, int) else 0


def settle(name: str, given: Arguments) -> list[str]:
    """The settings, each of which the verb has; with files of the user's own, Hydra looks."""
    searched = any(one.startswith("hydra.searchpath") for one in given.settings)
    if searched or OTHER_FILES & {flag.partition("=")[0] for flag in given.flags}:
        return given.settings
    return checked(configuration(), name, given.settings)


def run_once(
    verb: str, name: str, arguments: list[str], task: str, started_as: list[str]
) -> float | None:
    """Compose and run; ``started_as`` is how another process of the same run would be started."""
    import hydra

    failures: list[Exception] = []
    values: list[float | None] = []

    def guarded(config: Any) -> None:
        sys.argv = [started_from, verb, *started_as]  # Lightning starts its other processes by it
        try:
            values.append(_function(task)(config))
        except expected() as error:
            failures.append(error)  # Hydra would add lines of its own

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # let errors through to `main`
    started_from, sys.argv = sys.argv[0], [f"m3depth {verb}", *arguments]
    hydra.main(version_base="1.3", config_path=str(configuration()), config_name=name)(guarded)()
    if failures:
        raise failures[0]
    return values[0] if values else None


def _function(path: str) -> Callable[[Any], float | None]:
    module, _, name = path.rpartition(".")
    function: Callable[[Any], float | None] = getattr(importlib.import_module(module), name)
    return function


def _help(verb: str, name: str, given: Arguments) -> int:
    """The file itself, of which Hydra's own help loses the comments, and then Hydra's."""
    from hydra.errors import ConfigCompositionException

    text = (configuration() / f"{name}.yaml").read_text()
    sys.stdout.write(f"usage: m3depth {verb} [key=value ...]\n\n{text}\n")
    try:
        run_once(verb, name, [*given.flags, "--help", *settle(name, given)], "", [])
    except ConfigCompositionException as error:  # a choice for which there is no default
        sys.stdout.write(f"{' '.join(str(error).split())}\n")
    return 0
