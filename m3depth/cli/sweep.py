"""``-m``: a job for each value, in a folder of its own, and a table over all of them."""

import contextlib
import itertools
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from m3depth.cli.arguments import Arguments, readable
from m3depth.cli.configuration import configuration
from m3depth.cli.errors import expected, one_line
from m3depth.cli.job_names import job_name
from m3depth.cli.job_table import Row, headline, require_free, text_table, write_table
from m3depth.cli.run_once import run_once, settle
from m3depth.errors import ConfigError

logger = logging.getLogger(__name__)


@dataclass
class Job:
    """One run of a multirun."""

    settings: list[str]  # of the command line, one value each
    varying: dict[str, str]  # the settings that have several
    output: str | None = None  # where it writes; None: it needs no folder

    def __str__(self) -> str:
        """The settings that vary."""
        return " ".join(f"{key}={value}" for key, value in self.varying.items())


def sweep(verb: str, name: str, given: Arguments, task: str) -> int:
    """Run all jobs, even where some fail, and write a table of their results; see `run`.

    Returns:
        0, or 1 where a job failed or its status was 1.

    Raises:
        ConfigError: a job that is not possible; none has run then.
    """
    jobs, folder = _planned(name, given)
    rows: list[Row] = []
    statuses = [0]
    for number, job in enumerate(jobs, 1):
        sys.stdout.write(f"[{number}/{len(jobs)}] m3depth {verb} {job}\n")
        row: Row = {**job.varying, "status": "stopped"}
        rows.append(row)
        try:
            value = run_once(verb, name, [*given.flags, *job.settings], task, job.settings)
            statuses.append(value if isinstance(value, int) else 0)
            row["status"] = "ok" if statuses[-1] == 0 else f"status {statuses[-1]}"
            row |= {} if not isinstance(value, float) else {"best": value}
            row |= headline(job.output)
        except expected() as error:
            statuses.append(1)
            row["status"] = _why(verb, job, error)
        finally:
            row["output"] = job.output or ""
            if folder is not None and os.environ.get("RANK", "0") == "0":
                write_table(folder, rows)  # a power cut leaves that of the jobs before it
    sys.stdout.write(f"\n{text_table(rows)}" + (f"{folder / 'table.csv'}\n" if folder else ""))
    return max(statuses)


def _why(verb: str, job: Job, error: Exception) -> str:
    """Why a job failed, for the table; the user sees it at once, too."""
    known = one_line(error)
    if known is None:
        logger.error("%s", job, exc_info=error)
    line = known[0] if known else f"{type(error).__name__}: {error}"
    sys.stderr.write(f"m3depth {verb}: {job}: {line}\n")
    return f"failed: {' '.join(line.split())}"


def _planned(name: str, given: Arguments) -> tuple[list[Job], Path | None]:
    """The jobs, checked and each with its folder, and the folder of the table."""
    from hydra import compose

    jobs = list(_expanded(given.settings))
    configs: list[Any] = []
    for job in jobs:
        job.settings = settle(name, given._replace(settings=job.settings))
        with _hydra():
            configs.append(compose(name, job.settings, return_hydra_config=True))
    with _hydra():
        default = _raw_output(compose(name))
    for config in configs:
        _refuse_many_devices(config)
    swept = Path(configs[0].hydra.sweep.dir)
    if all(_raw_output(config) == default for config in configs):
        outputs: list[Path | None] = [None if default is None else swept] * len(jobs)
    else:
        outputs = [Path(str(config.output)) for config in configs]
    folder = _place(jobs, outputs, swept)
    _refuse_twins(jobs)
    _refuse_going_on(jobs)
    if folder is not None:
        require_free(folder)
    return jobs, folder


def _refuse_twins(jobs: list[Job]) -> None:
    """Two jobs in one folder: the second would find the first one's run there."""
    seen: set[str] = set()
    for job in jobs:
        if job.output in seen:
            raise ConfigError(f"{job}: comes twice in this multirun; give each value once")
        seen |= {job.output} if job.output else set()


def _refuse_going_on(jobs: list[Job]) -> None:
    """A resumed run uses its own configuration, not the one that the jobs are composed of."""
    from m3depth.cli.resume import own_checkpoint

    for job in jobs:
        for one in job.settings:
            key, _, value = one.partition("=")
            if key == "checkpoint" and own_checkpoint(job.output, value.strip("'\"")):
                raise ConfigError(
                    f"checkpoint= goes on with one run: output={job.output}, without -m"
                )


def _raw_output(config: Any) -> object:
    """As the YAML has it: a time in a default differs each time it is resolved."""
    from omegaconf import OmegaConf

    plain: Any = OmegaConf.to_container(config)
    return plain["output"]


def _place(jobs: list[Job], outputs: list[Path | None], swept: Path) -> Path | None:
    """Give each job a folder; jobs that name different ones already keep them."""
    different = len(set(outputs)) == len(jobs)
    for job, output in zip(jobs, outputs, strict=True):
        if output is None:
            continue
        own = output if different else output / job_name(job.varying)
        job.output = str(own)
        others = [one for one in job.settings if one.partition("=")[0] != "output"]
        job.settings = [*others, readable(f"output={own}")]
    if None in outputs:
        return None
    return swept if different or len(set(outputs)) > 1 else outputs[0]


def _expanded(settings: list[str]) -> Iterator[Job]:
    """All combinations of values, the last setting's fastest, as Hydra's own sweeper has them."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.override_parser.overrides_parser import OverridesParser

    with _hydra():
        loader = GlobalHydra.instance().config_loader()
        overrides = OverridesParser.create(loader).parse_overrides(settings)
        axes: list[list[str]] = []
        for one in overrides:
            if one.key_or_group in ("hydra/sweeper", "hydra/launcher"):
                raise ConfigError(f"{one.input_line}: m3depth runs its jobs itself, in turn")
            if one.is_sweep_override() and not one.is_discrete_sweep():
                raise ConfigError(f"{one.input_line}: say which values, as {one.key_or_group}=1,2")
            values = list(one.sweep_string_iterator()) if one.is_sweep_override() else []
            key = one.get_key_element()
            axes.append([f"{key}={value}" for value in values] or [one.input_line or ""])
    several = [len(axis) > 1 for axis in axes]
    for settings_of_one in itertools.product(*axes):
        pairs = (
            one.partition("=")
            for one, varies in zip(settings_of_one, several, strict=True)
            if varies
        )
        yield Job(list(settings_of_one), {key.lstrip("+"): value for key, _, value in pairs})


def _refuse_many_devices(config: Any) -> None:
    """Lightning would start its other processes while the jobs before it hold theirs."""
    from omegaconf import OmegaConf

    devices = OmegaConf.select(config, "trainer.devices", default=1)
    if devices != 1 and "TORCHELASTIC_RUN_ID" not in os.environ:
        raise ConfigError(
            f"trainer.devices={devices} in a multirun: start each job by torchrun, "
            "or give a job one device"
        )


@contextlib.contextmanager
def _hydra() -> Iterator[None]:
    from hydra import initialize_config_dir

    with initialize_config_dir(str(configuration()), version_base="1.3"):
        yield
