"""A sample of a set's frames, spread evenly, read and measured within a time."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic

import torch
from torch.utils.data import Dataset

from m3depth.check.measuring.measured_frame import MeasuredFrame, measure
from m3depth.errors import DataError
from m3depth.imaging.bytes import to_bytes, to_picture
from m3depth.types import StereoBatch


@dataclass(frozen=True)
class Unreadable:
    """A frame that could not be read, and why."""

    split: str
    index: int
    why: DataError


@dataclass
class Sampled:
    """What the checks look at."""

    frames: list[MeasuredFrame] = field(default_factory=list)  # no key twice
    keys: dict[str, list[str]] = field(default_factory=dict)  # of each split, all that were read
    unreadable: list[Unreadable] = field(default_factory=list)
    lengths: dict[str, int] = field(default_factory=dict)  # of each split, frames in the set

    @property
    def plain(self) -> list[MeasuredFrame]:
        """Pairs of two single, different views."""
        return [f for f in self.frames if f.right is not None and f.alignment is not None]

    @property
    def ordered(self) -> list[MeasuredFrame]:
        """The plain pairs whose views are in the right order."""
        return [f for f in self.plain if not f.swapped]


@dataclass(frozen=True)
class Sampler:
    """How much of a set is looked at.

    Args:
        frames: At most this many of each split.
        seconds: No new frame is started after this time, but each split gets one.
        neighbours: For this many frames the next one is read, too, to find frozen pictures.
        seed: Decides the frame taken from each part of the set, and the order of reading.
        dense: Whether known depth is compared with a dense matcher, most of a frame's time.
    """

    frames: int = 24
    seconds: float = 40.0
    neighbours: int = 6
    seed: int = 0
    dense: bool = True

    def __call__(self, splits: Mapping[str, Dataset[StereoBatch]]) -> Sampled:
        """Read and measure frames of all splits in turn.

        Args:
            splits: Data sets by their names; give the one with ground truth first, as a frame
                that several of them hold is measured once.
        """
        until = monotonic() + self.seconds
        sampled = Sampled(lengths={name: len(pairs) for name, pairs in splits.items()})  # type: ignore[arg-type]
        sampled.keys = {name: [] for name in splits}
        for turn, (name, index) in enumerate(self._order(sampled.lengths)):
            if turn >= len(splits) and monotonic() > until:
                break
            self._take(sampled, name, splits[name], index, turn)
        return sampled

    def _order(self, lengths: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        """Frames of the splits in turn, each split's in an order of its own."""
        chosen = {name: self._positions(length) for name, length in lengths.items()}
        for turn in range(self.frames):
            for name, positions in chosen.items():
                if turn < len(positions):
                    yield name, positions[turn]

    def _positions(self, length: int) -> list[int]:
        count = min(length, self.frames)
        chance = random.Random(self.seed)  # at even steps a set of doubled frames could hide
        positions = [int((place + chance.random()) * length / count) for place in range(count)]
        chance.shuffle(positions)
        return positions

    def _take(
        self, sampled: Sampled, split: str, pairs: Dataset[StereoBatch], index: int, turn: int
    ) -> None:
        try:
            sample = pairs[index]
        except DataError as error:
            sampled.unreadable.append(Unreadable(split, index, error))
            return
        key = str(sample["key"])
        sampled.keys[split].append(key)
        if any(frame.key == key for frame in sampled.frames):
            return
        wanted = turn < self.neighbours * len(sampled.lengths)
        same = _repeated(pairs, index, sample) if wanted else None
        frame = frame_of(split, sample, same)
        measure(frame, self.dense)
        sampled.frames.append(frame)


def _repeated(
    pairs: Dataset[StereoBatch], index: int, sample: StereoBatch
) -> frozenset[str] | None:
    """The views that the next frame of the same video shows once more, to the last bit."""
    if index + 1 >= len(pairs):  # type: ignore[arg-type]
        return None
    try:
        following = pairs[index + 1]
    except DataError:
        return None  # counted when it is sampled itself
    video, _, _ = str(sample["key"]).rpartition("/")
    key = str(following["key"])
    if key == sample["key"] or key.rpartition("/")[0] != video:
        return None
    views = (
        ("left", sample.get("left"), following.get("left")),
        ("right", sample.get("right"), following.get("right")),
    )
    return frozenset(
        name
        for name, one, other in views
        if one is not None and other is not None and torch.equal(to_bytes(one), to_bytes(other))
    )


def frame_of(split: str, sample: StereoBatch, follows_same: frozenset[str] | None) -> MeasuredFrame:
    """A sample as a frame, its masked depth taken as unknown.

    ``follows_same`` is None when the next frame was not looked at.
    """
    depth = sample.get("depth_mm")
    if depth is not None and "mask" in sample:
        depth = torch.where(sample["mask"], depth, 0.0)
    right = sample.get("right")
    masks = [sample["mask"]] if "mask" in sample else []
    masks += [~sample["tool"]] if "tool" in sample else []
    return MeasuredFrame(
        split=split,
        key=str(sample["key"]),
        left=to_picture(sample["left"]),
        right=None if right is None else to_picture(right),
        rig=sample["rig"],
        depth_mm=None if depth is None else depth[0].numpy(),
        follows_same=follows_same or frozenset(),
        followed=follows_same is not None,
        left_in=min((float(mask.float().mean()) for mask in masks), default=None),
    )
