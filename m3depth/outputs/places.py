"""Folders that no run may write to: an input's, and the root of the file system."""

import glob
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from m3depth.errors import ConfigError


def require_place(output: object, used_before: bool = False) -> Path:
    """The folder that ``output=`` names.

    Args:
        output: As the command line has it.
        used_before: Whether a run wrote there before.

    Raises:
        ConfigError: it is empty, the root of the file system or right below it: what
            ``output=$UNSET/run`` makes of a variable that is not set.
    """
    text = "" if output is None else str(output)
    if not text.strip():
        raise ConfigError("output= is empty: name a folder (is a variable of it not set?)")
    folder = Path(os.path.abspath(text))
    if len(folder.parts) < 2:
        raise ConfigError(
            f"output={text}: is the root of the file system (is a variable of it not set?)"
        )
    top = Path(*folder.parts[:2])
    if not os.path.lexists(top):
        raise ConfigError(
            f"output={text}: there is no {top} (is a variable of it not set?); make it first "
            "if it is right"
        )
    if folder == top and not used_before and top.is_dir() and any(top.iterdir()):
        raise ConfigError(
            f"output={text}: holds other things, right below the root of the file system (is a "
            "variable of it not set?); choose a folder inside it"
        )
    return Path(text)


def require_apart(output: Path, inputs: Mapping[str, object]) -> None:
    """Stop at an output that is or contains an input; it may be inside of one.

    Args:
        output: The folder.
        inputs: Paths or globs by their options' names; None and what is not there do not matter.

    Raises:
        ConfigError: naming the input.
    """
    if not output.exists():
        return
    for option, value in inputs.items():
        paths = _paths(value)
        if any(os.path.samefile(output, path) for path in paths):
            how = "is the input"
        elif any(os.path.samefile(output, folder) for folder in _folders_above(paths)):
            how = "holds the input"
        else:
            continue
        raise ConfigError(
            f"output={output}: {how} {option}={value}, whose files could be replaced; choose "
            "another output="
        )


def _paths(value: object) -> list[Path]:
    if value is None:
        return []
    text = str(value)
    found = [text] if Path(text).exists() else glob.glob(text, recursive=True)
    return [Path(one) for one in found if Path(one).exists()]


def _folders_above(paths: Iterable[Path]) -> set[Path]:
    """Of the paths as they are written and as their links lead."""
    both = {Path(os.path.abspath(path)) for path in paths} | {path.resolve() for path in paths}
    return {folder for path in both for folder in path.parents}
