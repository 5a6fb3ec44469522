"""The frames of a data set, through a source of depth, to a writer."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from rich.progress import track

from m3depth.errors import DataError
from m3depth.priors.pipeline import Behind, batched
from m3depth.priors.predictor import one_by_one
from m3depth.priors.prior import DepthPrior
from m3depth.priors.sources import Source, completed
from m3depth.priors.windows import Window, windows
from m3depth.priors.writers.writer import Writer
from m3depth.types import StereoBatch

logger = logging.getLogger(__name__)

Skip = Callable[[int, str, DataError], None]


class Frames(Protocol):
    """A data set."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> StereoBatch: ...


def export(frames: Frames, source: Source, writer: Writer, wanted: Sequence[int]) -> None:
    """Write the wanted frames that are not written yet.

    Two other threads read ahead of the source and write behind it. A frame that cannot be had is
    skipped with one line, and the others go on.

    Args:
        frames: All of them.
        source: Of their depth.
        writer: Of the layout.
        wanted: This process's share, indices in ascending order.

    Raises:
        UserError: the folder cannot be written to, or holds another export.
    """

    def skip(index: int, key: str, error: DataError) -> None:
        behind(_skip, writer, index, key, error)

    with Behind() as behind:
        found: Iterable[Window] = windows(frames.__getitem__, len(frames), wanted)
        found = track(found, "export", total=len(wanted), transient=True)
        for batch in batched(_pending(found, writer, skip), source.batch_size):
            samples = [window.samples[window.index] for window in batch]
            for window, prior in zip(batch, one_by_one(source, samples), strict=True):
                if isinstance(prior, DataError):
                    skip(window.index, window.key, prior)
                else:
                    sample = window.samples[window.index]
                    behind(_write, writer, window.index, prior, sample)


def _pending(found: Iterable[Window], writer: Writer, skip: Skip) -> Iterator[Window]:
    """The windows of frames that can be read and are not written."""
    for window in found:
        if window.error is not None:
            skip(window.index, window.key, window.error)
        elif not writer.done(window.index, window.key):
            yield window


def _write(writer: Writer, index: int, prior: DepthPrior, sample: StereoBatch) -> None:
    try:
        writer.write(index, completed(prior, sample))
    except DataError as error:
        _skip(writer, index, prior.key, error)


def _skip(writer: Writer, index: int, key: str, error: DataError) -> None:
    writer.skip(index, key, str(error))
    logger.warning("skipped: %s", error)
