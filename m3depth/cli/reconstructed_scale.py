"""What tells `reconstruct` the millimetres of a path that is known up to scale."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra.utils import instantiate
from omegaconf import DictConfig, open_dict
from torch.utils.data import Dataset

from m3depth.anchors.anchor_file import read_anchor_file
from m3depth.anchors.find import by_file, by_pairs
from m3depth.cli.source import build_source
from m3depth.errors import ConfigError
from m3depth.reconstruction.millimetres import Millimetres, by_anchors, by_lamp
from m3depth.reconstruction.motion.contract import MotionSource
from m3depth.sources.source import Source
from m3depth.types import Scale, StereoBatch, Track

TELLING = ("anchor", "pairs", "lamp")


def source_beside(motion: MotionSource, config: DictConfig) -> Source:
    """The source of depth; beside a path up to scale ``pairs=`` is left to `told_scale`.

    What tells the scale is read for the first time here, before any work.

    Raises:
        ConfigError: several things tell the scale, or one where the path is in mm already.
        UserError: see `build_source`.
    """
    asked = [name for name in TELLING if config.get(name) is not None]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(f'{one}=' for one in asked)} tell the scale: give one")
    if config.anchor is not None:
        read_anchor_file(Path(config.anchor))
    if config.get("lamp") is not None:
        instantiate(config.lamp, _convert_="all")
    if motion.scale is not Scale.METRIC:
        unpaired = config.copy()
        with open_dict(unpaired):
            unpaired.pairs = None
        return build_source(unpaired)
    if asked and asked != ["pairs"]:
        raise ConfigError(f"{asked[0]}=: {motion.model} gives the path in mm: leave it out")
    return build_source(config)


def told_scale(
    config: DictConfig,
    source: Source,
    frames: Dataset[StereoBatch],
    places: Sequence[int],
    track: Track,
) -> Millimetres | None:
    """By ``anchor=``, ``pairs=`` or ``lamp=``; None where none is given.

    Args:
        config: Of the verb.
        source: Of the depth.
        frames: The video.
        places: Of the frames that are used.
        track: The camera at each of them, in the depth's unit.

    Raises:
        UserError: what was given does not tell it.
    """
    if config.anchor is not None:
        used: Iterator[StereoBatch] = (
            {**frames[place], "key": name} for place, name in zip(places, track.names, strict=True)
        )
        fits = by_file(Path(config.anchor), source, used, each=False)
        return by_anchors(fits, f"anchors in {config.anchor}")
    if config.pairs is not None:
        return by_anchors(by_pairs(Path(config.pairs), source), f"the pairs in {config.pairs}")
    if config.get("lamp") is not None:
        lamp = instantiate(config.lamp, _convert_="all")
        return by_lamp(lamp, source, frames, places, track)
    return None
