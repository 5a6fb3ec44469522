"""Metrics as one CSV file that survives a resumed run."""

import csv
from argparse import Namespace
from pathlib import Path
from time import monotonic
from typing import Any

from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from m3depth.io.files import write_csv

SECONDS_BETWEEN_WRITES = 2.0


class CsvLogger(Logger):
    """One row a step that logged anything, blank where a column has no value.

    Lightning's own CSVLogger deletes the file of an earlier run in the same folder, and with it the
    rows of a resumed run; this one keeps those up to the step that it resumes at.
    """

    def __init__(self, path: str | Path) -> None:
        """Continue the file at ``path``, or start it."""
        super().__init__()
        self.path = Path(path)
        self.written = 0.0
        self.rows: dict[int, dict[str, Any]] = {}
        if self.path.is_file():
            with self.path.open(newline="") as file:
                self.rows = {int(row["step"]): row for row in csv.DictReader(file)}

    @property
    def name(self) -> str:
        """Lightning asks for one."""
        return "csv"

    @property
    def version(self) -> int:
        """There is one file."""
        return 0

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """The run's configuration is in config.yaml."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add to the row of ``step``; remove rows of later steps, of a run that was cut off."""
        step = step or 0
        while self.rows and next(reversed(self.rows)) > step:
            self.rows.popitem()
        self.rows.setdefault(step, {"step": step}).update(metrics)

    @rank_zero_only
    def save(self) -> None:
        """Write all rows; Lightning asks after every one, so a recent file is left as it is."""
        if monotonic() - self.written < SECONDS_BETWEEN_WRITES:
            return
        self._write()

    def finalize(self, status: str) -> None:
        """Write what is left."""
        if self.rows:
            self._write()

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        """A run that is cut off after this resumes here: its rows must be on disk."""
        self._write()

    @rank_zero_only
    def _write(self) -> None:
        self.written = monotonic()
        write_csv(self.path, self.rows.values())
