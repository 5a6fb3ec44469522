"""The order in which frames are trained on."""

from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any

import torch
from torch.utils.data import DistributedSampler


class ShuffledRuns(DistributedSampler[Any]):
    """Shuffles runs of consecutive frames; each process takes whole runs of its own.

    A frame of a video is decoded from the frames before it, so that a frame in a run costs a
    fraction of a single one. With ``run=1`` it is `DistributedSampler`. Runs start at another frame
    in each epoch, so that a batch is not made of the same neighbours every time; the two cut ones
    at the ends come last, so that runs as long as a batch fill one loader's worker each. Every
    frame comes once in an epoch; a few come twice where the processes would get different numbers.
    """

    def __init__(self, dataset: Any, *, run: int = 1, **options: Any) -> None:
        """Hold the length of the runs, in frames; see `DistributedSampler` for the rest."""
        super().__init__(dataset, **options)
        self.run = run
        self.passed = (0, 0)  # an epoch, and how many of its frames were trained on before

    def __iter__(self) -> Iterator[int]:
        """This process's frames, by (seed, epoch) alone."""
        epoch, frames = self.passed
        yield from islice(self._epoch(), frames if epoch == self.epoch else 0, None)

    def _epoch(self) -> Iterator[int]:
        if self.run == 1 or not self.shuffle:
            yield from super().__iter__()
            return
        count = len(self.dataset)  # type: ignore[arg-type]
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        first = int(torch.randint(min(self.run, count), (), generator=generator))
        last = first + (count - first) // self.run * self.run
        whole = [range(start, start + self.run) for start in range(first, last, self.run)]
        order = torch.randperm(len(whole), generator=generator).tolist()
        runs = [*(whole[place] for place in order), range(first), range(last, count)]
        frames = cycle(frame for run in runs for frame in run)
        share = self.total_size // self.num_replicas
        yield from islice(frames, self.rank * share, (self.rank + 1) * share)
