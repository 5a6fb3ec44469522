"""``m3depth check``."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import Dataset

from m3depth.cli.app import run_with_hydra
from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import ConfigError
from m3depth.options import require_number
from m3depth.types import StereoBatch

if TYPE_CHECKING:
    from m3depth.check.finding import Finding

SPLITS = ("test", "train", "val")  # the test first: it has the ground truth


def main(overrides: list[str]) -> int:
    """Look for what makes data unfit for their use; 1 when there is an error.

    ``kind=prior`` looks at exported depth priors, ``kind=pairs`` (or none) at a training set.
    """
    kind = next(
        (one.removeprefix("kind=") for one in overrides if one.startswith("kind=")), "pairs"
    )
    if kind not in KINDS:
        raise ConfigError(f"kind={kind}: choose {', '.join(KINDS)}")
    settings, task = KINDS[kind]
    rest = [one for one in overrides if not one.startswith("kind=")]
    status: list[int] = []
    run_with_hydra("check", rest, lambda config: status.append(task(config)), settings)
    return max(status, default=0)


def _check_pairs(config: DictConfig) -> int:
    from m3depth.check.gallery import write_gallery
    from m3depth.check.run import check, frames_read, table, told_frames, write_check

    checks = [instantiate(one) for one in config.checks.values()]
    findings, sampled = check(_splits(config), instantiate(config.sample), checks)
    sys.stdout.write(table(findings, told_frames(sampled)))
    if config.output is not None:
        folder = Path(config.output)
        write_check(folder, findings, frames_read(sampled))
        write_gallery(folder / "report.html", findings, sampled)
        sys.stdout.write(f"{folder / 'report.html'}\n")
    return _status(findings)


def _check_prior(config: DictConfig) -> int:
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


KINDS: Mapping[str, tuple[str, Callable[[DictConfig], int]]] = {
    "pairs": ("check", _check_pairs),
    "prior": ("check_prior", _check_prior),
}
