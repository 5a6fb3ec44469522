"""Which pairs are trained on, validated on and tested on, and how they are loaded."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.seed import pl_worker_init_function
from torch.utils.data import DataLoader, Dataset

from m3depth.data.fields import collate, require
from m3depth.data.shuffled_runs import ShuffledRuns
from m3depth.data.skipping import SkipUnreadable
from m3depth.errors import DataError
from m3depth.stopping import stop_is_for_the_parent
from m3depth.types import StereoBatch
from m3depth.validation import require_number, require_size


class StereoData(pl.LightningDataModule):
    """Three data sets of `StereoBatch` samples, all resized to ``size``.

    Attributes:
        needs: The fields that each sample must have to be learned from. Of the labels, training
            batches have those named here and no others; validation batches have all.

    Args:
        train: pairs to learn from.
        val: pairs that choose the best checkpoint, by the photometric loss.
        test: pairs that are scored at the end.
        size: (height, width) of every sample's images.
        batch_size: per process.
        workers: processes that load; 0 loads in the training process.
        typical_disparity: fraction of the width; where the network's heads start.
        seed: of the order of the training pairs.
        root: the folder that the data sets' settings in YAML refer to; not used here.
        split: the preset that they refer to (`m3depth.data.splits`); not used here.
        hold_out: the share that they keep from training (`FolderPairs`); not used here.
        run: neighbouring frames that stay together in training's order (`ShuffledRuns`).
        labels: makes the depth labels of the first two sets (`m3depth.sources.taught`).
    """

    needs: frozenset[str] = frozenset({"left", "right"})

    def __init__(
        self,
        train: Dataset[StereoBatch],
        val: Dataset[StereoBatch],
        test: Dataset[StereoBatch],
        size: Sequence[int],
        batch_size: int = 8,
        workers: int = 0,
        typical_disparity: float = 0.065,
        seed: int = 0,
        root: str | None = None,
        split: str | None = None,
        run: int = 1,
        hold_out: float | None = None,
        labels: Callable[[Dataset[StereoBatch]], Dataset[StereoBatch]] | None = None,
    ) -> None:
        super().__init__()
        if labels:
            train, val = labels(train), labels(val)
        self.train, self.val, self.test = train, val, test
        require_number("data.batch_size", batch_size, 1, whole=True)
        require_number("data.workers", workers, 0, whole=True)
        require_number("data.run", run, 1, whole=True)
        self.size = require_size("data.size", size)
        self.batch_size, self.workers = batch_size, workers
        self.run = run
        self.typical_disparity, self.seed, self.root = typical_disparity, seed, root
        for name, pairs in (("train", train), ("val", val)):
            if len(pairs) == 0:  # type: ignore[arg-type]
                raise DataError(f"data.{name}: the data set is empty")

    def train_dataloader(self) -> DataLoader[StereoBatch]:
        """Shuffled by (seed, epoch) alone, so that a resumed run sees the same order."""
        pairs = SkipUnreadable(self.train)
        world, rank = (
            (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
        )
        options = {"num_replicas": world, "rank": rank, "shuffle": True, "seed": self.seed}
        order = ShuffledRuns(pairs, run=self.run, **options)
        drop_last = len(order) > self.batch_size
        return self._loader(pairs, sampler=order, drop_last=drop_last)

    def val_dataloader(self) -> DataLoader[StereoBatch]:
        """In order."""
        return self._loader(SkipUnreadable(self.val), labels=True)

    def _loader(
        self, pairs: Dataset[StereoBatch], labels: bool = False, **options: Any
    ) -> DataLoader[StereoBatch]:
        require(pairs[0], self.needs)  # here and not in a worker, whose error would be a traceback
        return DataLoader(
            pairs,
            batch_size=self.batch_size,
            collate_fn=partial(collate, needs=self.needs, labels=labels),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            worker_init_fn=_begin_worker,
            pin_memory=torch.cuda.is_available(),
            **options,
        )


def _begin_worker(number: int) -> None:
    """A worker's draws are its own, as Lightning has them; it lives until its parent ends."""
    pl_worker_init_function(number)
    stop_is_for_the_parent()
