"""A fit's state as a file, from which the fit goes on exactly."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from m3depth.errors import ConfigError, UserError
from m3depth.io.files import write_bytes
from m3depth.io.torch_files import read_torch_file
from m3depth.splatting.fit import FitState
from m3depth.splatting.model.density import Pull
from m3depth.splatting.model.splats import Splats
from m3depth.splatting.recipe import Recipe

Rows = list[dict[str, float]]
PARTS = {"splats", "optimizer", "pull", "done", "settings", "rows"}


def save(path: Path, state: FitState, settings: Mapping[str, Any], rows: Rows) -> None:
    """Write the fit and what was logged so far, whole or not at all.

    ``settings`` are those that must not change when the fit goes on, as plain containers.
    """
    content = {
        "splats": state.splats.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "pull": vars(state.pull),
        "done": state.done,
        "settings": dict(settings),
        "rows": rows,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def resume(
    path: Path, recipe: Recipe, settings: Mapping[str, Any], device: torch.device | str = "cpu"
) -> tuple[FitState, Rows]:
    """The fit, and what was logged so far.

    Raises:
        UserError: the file is missing or not written by `save`.
        ConfigError: it was made with other settings.
    """
    saved = _read(path)
    theirs = {name: _but_its_length(name, value) for name, value in saved["settings"].items()}
    ours = {name: _but_its_length(name, value) for name, value in settings.items()}
    changed = [name for name, value in ours.items() if theirs.get(name) != value]
    if changed:
        raise ConfigError(
            f"checkpoint={path}: was made with another {', '.join(changed)}; a fit goes on with "
            "the settings that it began with, or begins anew without checkpoint="
        )
    if saved["done"] > recipe.iterations:
        raise ConfigError(
            f"checkpoint={path}: has {saved['done']} iterations, more than recipe.iterations="
            f"{recipe.iterations}"
        )
    state = FitState.begin(Splats(saved["splats"]).to(device), recipe)
    state.optimizer.load_state_dict(saved["optimizer"])
    state.pull = Pull(**{name: one.to(device) for name, one in saved["pull"].items()})
    state.done = saved["done"]
    return state, saved["rows"]


def _but_its_length(name: str, value: Any) -> Any:
    """Without the number of iterations: a fit may go on for longer than it was to."""
    return {**value, "iterations": None} if name == "recipe" else value


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise UserError(f"checkpoint={path}: no such file; output=DIR is the fit to go on with")
    saved = read_torch_file(path, f"checkpoint={path}")
    if not isinstance(saved, dict) or not saved.keys() >= PARTS:
        raise UserError(f"checkpoint={path}: not written by m3depth splat")
    return saved
