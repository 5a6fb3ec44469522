"""Millimetres for a relative source: ``anchor=`` and ``pairs=``."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from omegaconf import DictConfig

from m3depth.anchors.anchored import AnchoredSource
from m3depth.anchors.find import by_file, by_pairs
from m3depth.anchors.fit import AnchoredFit
from m3depth.errors import ConfigError, DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.input_frames import InputFrames
from m3depth.io.rig_file import RigFile
from m3depth.sources.source import Source
from m3depth.types import StereoBatch

PER = ("video", "frame")

logger = logging.getLogger(__name__)


def paired(config: DictConfig, source: Source) -> Source:
    """The source, its depth brought to millimetres by ``pairs=``, where they are given.

    Raises:
        UserError: they are no pairs of a calibrated rig, or nothing of them can be matched.
    """
    if config.pairs is None:
        return source
    if config.get("anchor") is not None:
        raise ConfigError("anchor= and pairs= each tell the millimetres: give one")
    fits = by_pairs(Path(config.pairs), source)
    return _anchored(source, fits, f"the pairs in {config.pairs}")


def anchored(
    config: DictConfig, source: Source, frames: InputFrames, rig: RigFile | None
) -> Source:
    """The same by ``anchor=``, a file of known depths and lengths in frames of the input.

    Raises:
        UserError: an option, the file or what is in it is wrong.
    """
    if config.anchor_per not in PER:
        raise ConfigError(f"anchor_per={config.anchor_per}: choose {' or '.join(PER)}")
    if config.anchor is None:
        return source
    each = config.anchor_per == "frame"
    fits = by_file(Path(config.anchor), source, _samples(frames, rig), each)
    return _anchored(source, fits, f"anchors in {config.anchor}")


def _anchored(source: Source, fits: Mapping[str, AnchoredFit], by: str) -> Source:
    for key, fit in fits.items():
        logger.info("%s: %s%s", by, f"{key}: " if key else "", _told(fit))
    return AnchoredSource(source, fits, by)


def _samples(frames: InputFrames, rig: RigFile | None) -> Iterator[StereoBatch]:
    for frame in frames:
        try:
            sample: StereoBatch = {"key": frame.name, "left": frame.image}
        except DataError:  # told when it is its turn to be predicted
            continue
        if rig is not None:
            sample["rig"] = rig.at(size_of(sample["left"]), frame.name)
        yield sample


def _told(fit: AnchoredFit) -> str:
    low, high = fit.interval
    what = "scale and shift" if fit.with_shift else "scale"
    sure = f"95 % within {low:.1f} to {high:.1f}" if high < float("inf") else "not known how surely"
    rest = "" if fit.held_back is None else f"; held-back anchors are {fit.held_back:.1%} off"
    return f"{what} by {fit.anchors}: their middle is {fit.depth_mm:.1f} mm deep, {sure}{rest}"
