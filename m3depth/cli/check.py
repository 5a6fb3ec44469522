"""``m3depth check``."""

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import Dataset

from m3depth.check.check_set import check, frames_read, told_frames
from m3depth.check.finding import Finding, Severity
from m3depth.check.gallery import write_gallery
from m3depth.check.measuring.set_measures import measures
from m3depth.check.prior.measures import scene_measures
from m3depth.check.prior.run import check_prior, told_scene
from m3depth.check.verdict import table, write_check
from m3depth.cli.hold_out import describe_hold_out, settle_hold_out
from m3depth.cli.inputs import data_inputs
from m3depth.cli.source import build_source
from m3depth.data.own_size import single_frames
from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import ConfigError
from m3depth.memory import require_images
from m3depth.outputs.output import Output
from m3depth.sources.exact import ExactSource
from m3depth.sources.with_depth import WithDepth
from m3depth.types import StereoBatch
from m3depth.validation import require_number

SPLITS = ("test", "train", "val")  # the test first: it has the ground truth


def check_pairs(config: DictConfig) -> int:
    """Look for what makes a data set unfit to train on; 1 when there is an error."""
    require_images(config.data.size, 2)
    _require_limits(config)
    checks = [instantiate(one) for one in config.checks.values()]
    own = {key: config[key] for key in ("input", "predictions", "pairs")}
    read = {**own, **data_inputs(config.data)}
    with _claimed(config, read):
        findings, sampled = check(
            _with_depth(config, _splits(config)), instantiate(config.sample), checks
        )
        measured = measures(sampled)
        header = told_frames(sampled) + _hold_out_line(config)
        sys.stdout.write(table(findings, header, measured=measured))
        if config.output is not None:
            folder = Path(config.output)
            write_check(folder, findings, frames_read(sampled), measured)
            write_gallery(folder / "report.html", findings, sampled)
            sys.stdout.write(f"{folder / 'report.html'}\n")
    return _status(findings)


def _require_limits(config: DictConfig) -> None:
    """Every option of our own checks and of their sample is a number."""
    require_number("sample.frames", config.sample.frames, 1, whole=True)
    parts = {f"checks.{name}": one for name, one in config.checks.items()}
    for name, part in {"sample": config.sample, **parts}.items():
        if not str(part.get("_target_")).startswith("m3depth."):
            continue
        for option, value in part.items():
            if not str(option).startswith("_") and not isinstance(value, bool):
                require_number(f"{name}.{option}", value, 0)


def _hold_out_line(config: DictConfig) -> str:
    """What `train data=folder` would test on, as a line of its own."""
    config = config.copy()
    if config.input is not None:
        config.data.root = config.input
        settle_hold_out(config.data)
    line = describe_hold_out(config.data)
    return f"\ntrain would use: {line}" if line else ""


def check_priors(config: DictConfig) -> int:
    """Look at exported depth priors as the pipeline of ``target`` reads them."""
    OmegaConf.resolve(config)
    require_number("frames", config.frames, 1, whole=True)
    checks = [instantiate(one) for one in config.checks.values()]
    target = instantiate(config.target, _convert_="all")
    with _claimed(config, {"input": config.input}):
        findings, scene = check_prior(Path(config.input), target, config.frames, checks)
        measured = scene_measures(scene)
        sys.stdout.write(table(findings, told_scene(scene), "splat", measured))
        if config.output is not None:
            counts = {kind: len(files) for kind, files in scene.files.items()}
            frames = {"in_set": counts, "measured": len(scene.sample)}
            write_check(Path(config.output), findings, frames, measured)
    return _status(findings)


def _claimed(config: DictConfig, inputs: dict[str, object]) -> AbstractContextManager[object]:
    """The output for the time of the check, if there is one."""
    if config.output is None:
        return nullcontext()
    names = ("check.json", "report.html")
    options = {"inputs": inputs, "overwrite": config.overwrite, "names": names}
    return Output(config.output, "check", **options).claimed()


def _status(findings: Sequence[Finding]) -> int:
    return int(any(finding.severity is Severity.ERROR for finding in findings))


def _splits(config: DictConfig) -> Mapping[str, Dataset[StereoBatch]]:
    """The data sets alone: a loader's settings do not matter here."""
    if config.input is not None:
        _refuse_data_beside_input()
        return {"input": FolderPairs(config.input, config.data.size)}
    if OmegaConf.is_missing(config.data, "root"):
        raise ConfigError(
            "say what to check: input=DIR, a folder of pairs, or data=NAME data.root=DIR"
        )
    settle_hold_out(config.data)
    splits = {name: instantiate(config.data[name]) for name in SPLITS if name in config.data}
    return {name: single_frames(pairs) for name, pairs in splits.items()}


def _with_depth(
    config: DictConfig, splits: Mapping[str, Dataset[StereoBatch]]
) -> Mapping[str, Dataset[StereoBatch]]:
    """The splits with the depth of ``source=``: by default the data's own, if there is any."""
    source = build_source(config)
    if isinstance(source, ExactSource):
        return splits
    return {name: WithDepth(frames, source) for name, frames in splits.items()}


def _refuse_data_beside_input() -> None:
    """``input=`` is a set of its own: options of another one would be ignored."""
    given = [one.lstrip("+~") for one in HydraConfig.get().overrides.task]
    other = next((one for one in given if re.match(r"data=|data\.(?!size=)", one)), None)
    if other is not None:
        raise ConfigError(
            f"input= and {other}: input= checks a folder of pairs alone; give it, or data=NAME "
            "data.root=DIR, in two calls"
        )
