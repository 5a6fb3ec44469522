"""``m3depth check``."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import Dataset

from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import ConfigError
from m3depth.options import require_number
from m3depth.types import StereoBatch

if TYPE_CHECKING:
    from m3depth.check.finding import Finding

SPLITS = ("test", "train", "val")  # the test first: it has the ground truth


def check_pairs(config: DictConfig) -> int:
    """Look for what makes a data set unfit to train on; 1 when there is an error."""
    from m3depth.check.gallery import write_gallery
    from m3depth.check.measures import measures
    from m3depth.check.run import check, frames_read, table, told_frames, write_check

    checks = [instantiate(one) for one in config.checks.values()]
    findings, sampled = check(_splits(config), instantiate(config.sample), checks)
    measured = measures(sampled)
    sys.stdout.write(table(findings, told_frames(sampled), measured=measured))
    if config.output is not None:
        folder = Path(config.output)
        write_check(folder, findings, frames_read(sampled), measured)
        write_gallery(folder / "report.html", findings, sampled)
        sys.stdout.write(f"{folder / 'report.html'}\n")
    return _status(findings)


def check_priors(config: DictConfig) -> int:
    """Look at exported depth priors as the pipeline of ``target`` reads them."""
    from m3depth.check.prior.run import check_prior, told_scene
    from m3depth.check.run import table, write_check

    OmegaConf.resolve(config)
    require_number("frames", config.frames, 1, whole=True)
    checks = [instantiate(one) for one in config.checks.values()]
    target = instantiate(config.target, _convert_="all")
    findings, scene = check_prior(Path(config.input), target, config.frames, checks)
    sys.stdout.write(table(findings, told_scene(scene), "splat"))
    if config.output is not None:
        counts = {kind: len(files) for kind, files in scene.files.items()}
        frames = {"in_set": counts, "measured": len(scene.sample)}
        write_check(Path(config.output), findings, frames)
    return _status(findings)


def _status(findings: "Sequence[Finding]") -> int:
    from m3depth.check.finding import Severity

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
