"""One run of a verb: its settings are checked and composed before its task is imported."""

import importlib
import os
import sys
from typing import Any

from m3depth.cli.arguments import Arguments
from m3depth.cli.configuration import configuration
from m3depth.cli.errors import expected
from m3depth.cli.keys import checked

OTHER_FILES = {"--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn"}


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

    module, _, function = task.rpartition(".")
    failures: list[Exception] = []
    values: list[float | None] = []

    def guarded(config: Any) -> None:
        sys.argv = [started_from, verb, *started_as]  # Lightning starts its other processes by it
        try:
            _with_general(config)
            values.append(getattr(importlib.import_module(module), function)(config))
        except expected() as error:
            failures.append(error)  # Hydra would add lines of its own

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # let errors through to `main`
    started_from, sys.argv = sys.argv[0], [f"m3depth {verb}", *arguments]
    hydra.main(version_base="1.3", config_path=str(configuration()), config_name=name)(guarded)()
    if failures:
        raise failures[0]
    return values[0] if values else None


def _with_general(config: Any) -> None:
    """``checkpoint=general`` in every verb that takes one."""
    from m3depth.networks.general import NAME, named

    if config.get("checkpoint") == NAME:
        config.checkpoint = str(named(NAME))
