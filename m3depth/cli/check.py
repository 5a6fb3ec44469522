"""``m3depth check``."""

import sys
from collections.abc import Mapping
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import Dataset

from m3depth.cli.app import run_with_hydra
from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import ConfigError
from m3depth.types import StereoBatch

SPLITS = ("test", "train", "val")  # the test first: it has the ground truth


def main(overrides: list[str]) -> int:
    """Look for what makes a data set unfit to train on; 1 when there is an error."""
    status: list[int] = []
    run_with_hydra("check", overrides, lambda config: status.append(_check(config)))
    return max(status, default=0)


def _check(config: DictConfig) -> int:
    from m3depth.check.finding import Severity
    from m3depth.check.gallery import write_gallery
    from m3depth.check.run import check, table, write_check

    checks = [instantiate(one) for one in config.checks.values()]
    findings, sampled = check(_splits(config), instantiate(config.sample), checks)
    sys.stdout.write(table(findings, sampled))
    if config.output is not None:
        folder = Path(config.output)
        write_check(folder, findings, sampled)
        write_gallery(folder / "report.html", findings, sampled)
        sys.stdout.write(f"{folder / 'report.html'}\n")
    return int(any(finding.severity is Severity.ERROR for finding in findings))


def _splits(config: DictConfig) -> Mapping[str, Dataset[StereoBatch]]:
    """The data sets alone: a loader's settings do not matter here."""
    if config.input is not None:
        return {"input": FolderPairs(config.input, config.data.size)}
    if OmegaConf.is_missing(config.data, "root"):
        raise ConfigError(
            "say what to check: input=DIR, a folder of pairs, or data=NAME data.root=DIR"
        )
    return {name: instantiate(config.data[name]) for name in SPLITS if name in config.data}
