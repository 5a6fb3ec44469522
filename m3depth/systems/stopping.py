"""A training that is asked to stop ends after a batch, with a checkpoint to go on from."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.utilities.exceptions import SIGTERMException

from m3depth.stopping import Stopped, stopping_when_asked

logger = logging.getLogger(__name__)


class CheckpointWhenStopped(pl.Callback):
    """Writes ``last.ckpt`` when the run is asked to stop, in the middle of an epoch too.

    On SIGTERM Lightning ends a run at the end of a batch, also of a validation batch, from where a
    run cannot go on exactly. So this passes the signal, whichever it is, to Lightning only at the
    end of a training batch that no validation follows, or of an epoch.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.asked = path, False
        self._handler: Any = None  # ours

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Around ``trainer.fit``: raises `Stopped` where the run was asked to stop, and did."""
        try:
            with stopping_when_asked(self._ask) as self._handler:
                yield
        except SystemExit as ended:  # Lightning's, after SIGTERM with status 0
            raise Stopped from ended

    def _ask(self) -> None:
        self.asked = True
        logger.info("stopping after this batch, with a checkpoint; asked again, at once")

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Lightning has replaced our handler by its own."""
        if not self.asked:
            signal.signal(signal.SIGTERM, self._handler)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Have Lightning end the run, once it has logged the batch."""
        if (
            self._all_asked(trainer)
            and not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        ):
            trainer._signal_connector.received_sigterm = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The same; the epoch's own checkpoint is written by then."""
        if self._all_asked(trainer):
            trainer._signal_connector.received_sigterm = True

    def _all_asked(self, trainer: pl.Trainer) -> bool:
        """Whether any process was: all end at the same batch."""
        if trainer.world_size > 1:
            self.asked = trainer.strategy.reduce_boolean_decision(self.asked, all=False)
        return self.asked

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Write the checkpoint, where the run ends as it was asked to."""
        if self.asked and isinstance(exception, SIGTERMException):
            trainer.save_checkpoint(self.path)
