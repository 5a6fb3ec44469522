"""In which order frames are trained on."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DistributedSampler


class ShuffledRuns(DistributedSampler[Any]):
    """Shuffles runs of consecutive frames; each process takes whole runs of its own.

    A frame of a video is decoded from the frames before it, so that one in a run costs a fraction
    of one by itself. With ``run=1`` it is `DistributedSampler`. Runs start at another frame in
    each epoch, so that a batch is not made of the same neighbours every time. Every frame comes
    once in an epoch; the last runs are repeated as far as the processes need alike counts.
    """

    def __init__(self, dataset: Any, *, run: int = 1, **options: Any) -> None:
        """Hold the length of the runs, in frames; see `DistributedSampler` for the rest."""
        super().__init__(dataset, **options)
        self.run = run

    def __iter__(self) -> Iterator[int]:
        """This process's frames, by (seed, epoch) alone."""
        if self.run == 1 or not self.shuffle:
            yield from super().__iter__()
            return
        count = len(self.dataset)  # type: ignore[arg-type]
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        first = int(torch.randint(self.run, (), generator=generator))
        starts = [0, *range(first or self.run, count, self.run)]
        runs = [range(a, b) for a, b in zip(starts, [*starts[1:], count], strict=True)]
        order = torch.randperm(len(runs), generator=generator).tolist()
        frames = [frame for place in order for frame in runs[place]]
        frames += frames[: self.total_size - count]
        share = self.total_size // self.num_replicas
        yield from frames[self.rank * share : (self.rank + 1) * share]
