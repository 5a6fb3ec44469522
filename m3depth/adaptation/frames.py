"""The frames that a network is adapted to, and those that judge whether it helped."""

import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from operator import length_hint
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from m3depth.data.module import StereoData
from m3depth.data.readers.folder import FolderPairs
from m3depth.errors import ConfigError, DataError
from m3depth.geometry.resizing import size_of
from m3depth.io.images import resize_image
from m3depth.io.input_frames import open_frames
from m3depth.progress import progress
from m3depth.types import StereoBatch

FEWEST = 4  # to adapt to, and to judge by
STOPS = 5  # one held-back frame of so many says when to stop, the others judge; of 16 to judge by
# a gain of a fifth could not be told from chance (experiments/shift)
ALIKE = 1 / 255  # mean difference of two pictures that are the same frame
DARK = 0.02  # standard deviation of a picture that shows nothing

logger = logging.getLogger(__name__)


class Samples(Dataset[StereoBatch]):
    """Samples in memory, as a data set."""

    def __init__(self, samples: Sequence[StereoBatch]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> StereoBatch:
        return {**self.samples[index]}


class Frames(NamedTuple):
    """Frames at the network's size; no frame is in two of the parts, or all are in all of them."""

    adapt: Sequence[StereoBatch]
    stop: Sequence[StereoBatch]
    judge: Sequence[StereoBatch]

    def data(self, batch_size: int = 1, seed: int = 0) -> StereoData:
        """For a training that stops by its second part."""
        train, val, test = (Samples(part) for part in self)
        size = size_of(self.adapt[0]["left"])
        return StereoData(train, val, test, size, batch_size, seed=seed)

    @property
    def stereo(self) -> bool:
        """Whether every frame has a right image."""
        return all("right" in one for part in self for one in part)

    def counts(self) -> dict[str, int]:
        """How many there are of each, and how many of them the network is not adapted to."""
        held = 0 if self.judge is self.adapt else len(self.stop) + len(self.judge)
        return {name: len(part) for name, part in self._asdict().items()} | {"held_back": held}


def chosen(frames: Dataset[StereoBatch], count: int) -> Frames:
    """About ``count`` frames of a data set to adapt to, and others to judge by, spread evenly.

    Raises:
        DataError: too few can be read, or too few that differ.
    """
    return _parted(read_some(frames, _with_held_back(count)))


def all_of(frames: Dataset[StereoBatch], count: int, size: tuple[int, int]) -> Frames:
    """At most ``count`` frames of a clip, spread evenly: all to adapt to, and all to judge by.

    For a network that is to be used on these very frames.

    Args:
        frames: Of any size.
        count: At most.
        size: (height, width) that the network sees.

    Raises:
        DataError: fewer than `FEWEST` can be read.
    """
    read = [_resized(sample, size) for sample in read_some(frames, count)]
    if len(read) < FEWEST:
        raise DataError(f"{len(read)} frames can be read: at least {FEWEST} are needed to adapt to")
    return Frames(read, read, read)


def read_some(frames: Dataset[StereoBatch], count: int) -> list[StereoBatch]:
    """At most ``count`` frames, spread evenly; one that cannot be read is told and left out."""
    read = []
    for place in progress(_spread(len(frames), count), "reading"):  # type: ignore[arg-type]
        try:
            read.append(frames[place])
        except DataError as error:
            logger.warning("skipped: %s", error)
    return read


def _resized(sample: StereoBatch, size: tuple[int, int]) -> StereoBatch:
    """What adapting looks at, at the network's size."""
    own = size_of(sample["left"])
    small: StereoBatch = {"left": resize_image(sample["left"], size), "key": sample["key"]}
    if "right" in sample:
        small["right"] = resize_image(sample["right"], size)
        small["rig"] = sample["rig"].resized(own, size)
    return small


def from_input(source: Path, size: tuple[int, int], count: int, first_s: float | None) -> Frames:
    """Of a folder of pairs (`FolderPairs`), or of a folder of images or a video of one camera.

    Args:
        source: The folder or the video.
        size: (height, width) that the network sees.
        count: About how many to adapt to.
        first_s: Of a video, only what its first seconds show.

    Raises:
        ConfigError: ``first_s`` for pictures, which have no time.
        DataError: nothing to read, or see `chosen`.
    """
    if (source / "left").is_dir() and (source / "right").is_dir():
        if first_s is not None:
            raise ConfigError(f"first_s={first_s}: input={source} are pictures, which have no time")
        return chosen(FolderPairs(source, size, truth=False), count)
    frames = open_frames(source)
    total = length_hint(frames)
    if first_s is not None:
        if not frames.frames_per_s:
            raise ConfigError(f"first_s={first_s}: input={source} does not say how fast it is")
        total = min(total, int(first_s * frames.frames_per_s))
    wanted = set(_spread(total, _with_held_back(count)))
    read: list[StereoBatch] = []
    for place, frame in enumerate(progress(islice(frames, total), "reading", total)):
        if place in wanted:
            try:
                read.append({"left": resize_image(frame.image, size), "key": frame.name})
            except DataError as error:
                logger.warning("skipped: %s", error)
    return _parted(read)


def _with_held_back(count: int) -> int:
    return count + max(2 * FEWEST, count)


def _spread(total: int, count: int) -> list[int]:
    return [int(place) for place in np.linspace(0, total - 1, min(total, count)).round()]


def _parted(read: Sequence[StereoBatch]) -> Frames:
    """What shows something and differs from the frame before; the held-back ones between."""
    seen = list(_telling(read))
    if len(seen) < 3 * FEWEST:
        raise DataError(
            f"{len(seen)} of {len(read)} frames show something, and not the same again: at least "
            f"{3 * FEWEST} are needed to adapt to and to judge by"
        )
    count = max(2 * FEWEST, len(seen) // 2)
    held = [int(place) for place in np.linspace(0, len(seen) - 1, count + 2)[1:-1].round()]
    stop = {held[place] for place in _spread(count, max(FEWEST, count // STOPS))}
    adapt = [one for place, one in enumerate(seen) if place not in held]
    return Frames(adapt, [seen[i] for i in sorted(stop)], [seen[i] for i in held if i not in stop])


def _telling(read: Iterable[StereoBatch]) -> Iterable[StereoBatch]:
    """Without black pictures, and without a picture that is the one before it again."""
    before = None
    for sample in read:
        left = sample["left"]
        if float(left.std()) < DARK:
            continue
        if before is None or float((left - before).abs().mean()) > ALIKE:
            yield sample
        before = left


def images(frames: Sequence[StereoBatch]) -> torch.Tensor:
    """The left ones, (n, 3, h, w)."""
    return torch.stack([one["left"] for one in frames])
