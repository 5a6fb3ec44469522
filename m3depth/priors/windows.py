"""Frames with their neighbours in time, each frame read once."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from m3depth.errors import DataError
from m3depth.io.video import VideoEndError
from m3depth.priors.pipeline import ahead
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig


class Window(NamedTuple):
    """A frame and those about it that can be read, all of one sequence."""

    place: int  # of the frame in the data set
    samples: dict[int, StereoBatch]  # by their index
    error: DataError | None = None  # why the frame itself is not among them

    @property
    def key(self) -> str:
        """Names the frame."""
        sample = self.samples.get(self.place)
        return f"frame {self.place}" if sample is None else str(sample["key"])

    @property
    def rig(self) -> StereoRig:
        """Of the frame, which was read."""
        return self.samples[self.place]["rig"]


def windows(
    read: Callable[[int], StereoBatch], count: int, wanted: Sequence[int], radius: int = 0
) -> Iterator[Window]:
    """The windows of the frames that are wanted, in order.

    A window ends where the sequence does, which is the part of the keys before the last "/". It
    depends on the data alone, so that a frame has the same one in every share of the work. A video
    that ends early is an error of every window that reaches beyond its end: once the file is whole,
    they would be others.

    Args:
        read: One of the ``count`` frames by its index; another thread calls it, ahead of need.
        count: Frames in all.
        wanted: Indices, ascending.
        radius: Frames on either side.
    """
    needed = sorted({j for i in wanted for j in range(max(0, i - radius), i + radius + 1)})
    reading = ahead(read, (j for j in needed if j < count))
    held: dict[int, StereoBatch | DataError] = {}
    for index in wanted:
        while max(held, default=-1) < min(index + radius, count - 1):
            position, future = next(reading)
            try:
                held[position] = future.result()
            except DataError as error:
                held[position] = error
        held = {j: found for j, found in held.items() if j >= index - radius}
        yield _window(index, held, radius)


def _window(index: int, held: dict[int, StereoBatch | DataError], radius: int) -> Window:
    centre = held[index]
    if isinstance(centre, DataError):
        return Window(index, {}, centre)
    samples = {index: centre}
    for step in (-1, 1):
        for j in range(index + step, index + step * (radius + 1), step):
            neighbour = held.get(j)
            if isinstance(neighbour, VideoEndError):
                return Window(index, {}, neighbour)
            if neighbour is None or isinstance(neighbour, DataError):
                continue
            if _sequence(neighbour) != _sequence(centre):
                break
            samples[j] = neighbour
    return Window(index, samples)


def _sequence(sample: StereoBatch) -> str:
    return str(sample["key"]).rpartition("/")[0]
