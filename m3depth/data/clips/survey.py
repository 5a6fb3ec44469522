"""What is known of a video's frames: which can be used, where it is cut, which are neighbours."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch.utils.data import Dataset

from m3depth.data.clips.border import black_border
from m3depth.data.clips.flow import Moved, moved
from m3depth.data.clips.look import Look, Unread, looks
from m3depth.io.array_cache import Arrays, cached
from m3depth.types import StereoBatch

LOST_AT_A_CUT = 0.5  # share of the pixels
BORDER = "border_"  # and its number: in a file
REPEATED = 0.05  # of what frames of the sequence usually change by


class State(IntEnum):
    """Whether a frame can be used."""

    GOOD = 0
    UNREADABLE = 1
    BLACK = 2
    INTERLACED = 3
    REPEATED = 4


class Next(IntEnum):
    """Whether a frame has a later neighbour, and why not."""

    FOUND = 0
    UNUSED = 1  # it is not to be used itself
    END = 2  # the shot ends before
    STILL = 3  # nothing moves far enough within reach
    FAST = 4  # the next frame is too far, or flow does not find it


@dataclass(frozen=True)
class Choice:
    """Which frame is another's neighbour: the first that flow says has moved far enough."""

    least: float  # median flow, as a share of the picture's width
    most: float
    reach: int = 16  # usable frames that are looked ahead

    @property
    def rungs(self) -> list[int]:
        """How far ahead is looked: not at every frame of a slow video."""
        return [k for k in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64) if k <= self.reach]


class Survey(NamedTuple):
    """Of n frames in their order; what is an index is one of them."""

    key: npt.NDArray[np.str_]
    why: npt.NDArray[np.str_]  # it cannot be read
    state: npt.NDArray[np.int8]  # `State`
    cut: npt.NDArray[np.bool_]  # between it and the usable one before
    resized: npt.NDArray[np.bool_]  # its picture is not of the size of the one before
    shot: npt.NDArray[np.int64]  # frames between two cuts have one number; -1: it is not used
    next: npt.NDArray[np.int8]  # `Next`
    later: npt.NDArray[np.int64]  # its neighbour; -1: none
    flow: npt.NDArray[np.float32]  # median, to there, as a share of the width
    border: npt.NDArray[np.int64]  # which of ``borders``; -1: none
    borders: dict[str, npt.NDArray[np.bool_]]  # by number: (v, h, w), True outside the picture

    @classmethod
    def blank(cls, frames: Sequence[Look | Unread]) -> "Survey":
        """Nothing is known but what each frame says by itself."""
        n = len(frames)
        return cls(
            key=np.array([frame.key for frame in frames]),
            why=np.array([frame.why if isinstance(frame, Unread) else "" for frame in frames]),
            state=np.array([_state(frame) for frame in frames], dtype=np.int8),
            cut=np.zeros(n, dtype=np.bool_),
            resized=np.zeros(n, dtype=np.bool_),
            shot=np.full(n, -1, dtype=np.int64),
            next=np.full(n, Next.UNUSED, dtype=np.int8),
            later=np.full(n, -1, dtype=np.int64),
            flow=np.full(n, np.nan, dtype=np.float32),
            border=np.full(n, -1, dtype=np.int64),
            borders={},
        )

    @classmethod
    def kept_in(cls, path: Path, make: Callable[[], "Survey"]) -> "Survey":
        """What a file holds; made and stored first where there is none."""

        def arrays() -> Arrays:
            made = make()._asdict()
            return {f"{BORDER}{n}": mask for n, mask in made.pop("borders").items()} | made

        kept = cached(path, arrays)
        masks = {n.removeprefix(BORDER): kept.pop(n) for n in list(kept) if n.startswith(BORDER)}
        return cls(**kept, borders=masks)  # type: ignore[arg-type]


def survey(frames: Dataset[StereoBatch], choice: Choice, workers: int = 0) -> Survey:
    """Look at every frame once, one sequence after the other."""
    parts: list[Survey] = []
    for _, sequence in groupby(looks(frames, workers), _Sequences()):
        parts.append(_of_sequence(list(sequence), choice))
    return _joined(parts)


class _Sequences:
    """The folder of a frame's key; a frame that cannot be read belongs to the one before."""

    def __init__(self) -> None:
        self.name = ""

    def __call__(self, frame: Look | Unread) -> str:
        if isinstance(frame, Look):
            self.name = frame.key.rpartition("/")[0]
        return self.name


def _state(frame: Look | Unread) -> State:
    if isinstance(frame, Unread):
        return State.UNREADABLE
    if frame.black:
        return State.BLACK
    return State.INTERLACED if frame.combed else State.GOOD


def _of_sequence(frames: list[Look | Unread], choice: Choice) -> Survey:
    found = Survey.blank(frames)
    shown = {i: one for i, one in enumerate(frames) if isinstance(one, Look) and not found.state[i]}
    before: tuple[int, int] | None = None
    for size, indices in groupby(shown, lambda i: shown[i].size):
        stretch = list(indices)
        found.resized[stretch[0]] = before is not None
        before = size
        _of_stretch(found, {i: shown[i] for i in stretch}, choice)
    return found


def _of_stretch(found: Survey, shown: dict[int, Look], choice: Choice) -> None:
    """Fill in what frames of one size show."""
    _mark_repeated(found, shown)
    outside = black_border([look.views for look in shown.values()])
    if outside.any():
        found.border[list(shown)] = len(found.borders)
        found.borders[str(len(found.borders))] = outside
    used = [i for i in shown if found.state[i] == State.GOOD]
    flow = _Flows(shown, ~outside[0])
    cuts = {b for a, b in pairwise(used) if flow(a, b).lost > LOST_AT_A_CUT}
    found.cut[list(cuts)] = True
    for shot in _split(used, cuts):
        found.shot[shot] = found.shot.max() + 1
        _find_neighbours(found, shot, flow, choice)


def _mark_repeated(found: Survey, shown: dict[int, Look]) -> None:
    """The frames that show the one before once more, to the bit or as a codec repeats it."""
    pairs = list(pairwise(shown))
    change = np.array([_change(shown[a], shown[b]) for a, b in pairs])
    usual = float(np.percentile(change, 75)) if len(change) else 0.0
    for (one, other), changed in zip(pairs, change, strict=True):
        if shown[one].print == shown[other].print or changed < REPEATED * usual:
            found.state[other] = State.REPEATED


def _change(one: Look, other: Look) -> float:
    return float(np.abs(one.views[0].astype(np.int16) - other.views[0]).mean())


class _Flows:
    """Each pair's flow, computed once."""

    def __init__(self, shown: dict[int, Look], seen: npt.NDArray[np.bool_]) -> None:
        self.shown, self.seen = shown, seen
        self.known: dict[tuple[int, int], Moved] = {}

    def __call__(self, earlier: int, later: int) -> Moved:
        pair = earlier, later
        if pair not in self.known:
            one, other = self.shown[earlier].views[0], self.shown[later].views[0]
            self.known[pair] = moved(one, other, self.seen)
        return self.known[pair]


def _split(used: list[int], cuts: set[int]) -> Iterator[list[int]]:
    shot: list[int] = []
    for index in used:
        if index in cuts:
            yield shot
            shot = []
        shot.append(index)
    yield shot


def _find_neighbours(found: Survey, shot: list[int], flow: _Flows, choice: Choice) -> None:
    rung = 0  # of the frame before: a video's speed changes slowly
    for place, index in enumerate(shot):
        rungs = [k for k in choice.rungs if place + k < len(shot)]
        there = [shot[place + k] for k in rungs]
        rung = _first_far_enough([*there], index, min(rung, len(there) - 1), flow, choice.least)
        if rung == len(there):
            found.next[index] = Next.STILL if len(rungs) == len(choice.rungs) else Next.END
            continue
        motion = flow(index, there[rung])
        if motion.share > choice.most or motion.lost > LOST_AT_A_CUT:
            found.next[index] = Next.FAST
            continue
        found.next[index], found.later[index] = Next.FOUND, there[rung]
        found.flow[index] = motion.share
    if len(shot) > 2 and (found.next[shot] == Next.END).all():
        found.next[shot] = Next.STILL  # it is not that the shot ended


def _first_far_enough(there: list[int], index: int, guess: int, flow: _Flows, least: float) -> int:
    """The first rung whose frame has moved far enough, sought about a guess; beyond: none."""
    rung = max(guess, 0)
    while rung < len(there) and flow(index, there[rung]).share < least:
        rung += 1
    while 0 < rung <= guess and flow(index, there[rung - 1]).share >= least:
        rung -= 1
    return rung


def _joined(parts: Sequence[Survey]) -> Survey:
    """One survey of all sequences, indices and borders counted on."""
    borders: dict[str, npt.NDArray[np.bool_]] = {}
    columns: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in Survey._fields[:-1]}
    first = shots = 0
    for part in parts:
        counted_on = part._replace(
            shot=np.where(part.shot >= 0, part.shot + shots, -1),
            later=np.where(part.later >= 0, part.later + first, -1),
            border=np.where(part.border >= 0, part.border + len(borders), -1),
        )
        for name, column in columns.items():
            column.append(getattr(counted_on, name))
        borders |= {str(len(borders) + int(n)): mask for n, mask in part.borders.items()}
        first, shots = first + len(part.key), shots + int(part.shot.max()) + 1
    whole: Any = {name: np.concatenate(column) for name, column in columns.items()}
    return Survey(**whole, borders=borders)
