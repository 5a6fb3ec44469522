"""Going on with a training: from which run, from which checkpoint, and whether any is left."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from m3depth.cli.resume import Earlier, checkpoint_path, own_checkpoint, require_one
from m3depth.errors import ConfigError, UserError
from m3depth.networks.trained import read_checkpoint
from m3depth.systems.checkpoint import Progress


def earlier_run(config: DictConfig) -> Earlier | None:
    """The run to go on with, when it is the output's own: its file, or what its checkpoint says.

    Raises:
        ConfigError: it should be replaced, too.
    """
    path = own_checkpoint(config.output, config.checkpoint)
    require_one(path, config.overwrite)
    if path is None:
        return None
    earlier = Earlier.of(Path(config.output))
    return earlier or Earlier(read_checkpoint(path)["m3depth"]["config"], [])


def checkpoint_to_resume(config: DictConfig) -> Path | None:
    """What ``checkpoint=`` names, or a `UserError` without such a file; None without it."""
    if config.checkpoint is None:
        return None
    path = checkpoint_path(config.output, config.checkpoint)
    if not path.is_file():
        hint = "; give output=DIR of the run to go on with" if config.checkpoint == "last" else ""
        raise UserError(f"checkpoint={config.checkpoint}: no file {path}{hint}")
    return path


def require_more(
    plain: dict[str, Any], earlier: Earlier | None, saved: Progress, output: Path
) -> None:
    """Stop (`ConfigError`) where no epoch is left to train."""
    most = plain["trainer"]["max_epochs"]
    scored = (output / "metrics.json").is_file() and earlier
    if most is not None and 0 <= most < saved.epochs + bool(scored or not earlier):
        raise ConfigError(
            f"checkpoint={saved.path}: has its {saved.epochs} of {most} epochs; for more give, "
            f"say, trainer.max_epochs={2 * saved.epochs}"
        )
