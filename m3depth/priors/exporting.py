"""The frames of a data set, through a source of depth, to a writer."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from rich.progress import track

from m3depth.data.video import VideoEndError
from m3depth.errors import DataError
from m3depth.priors.pipeline import Behind, batched
from m3depth.priors.predictor import one_by_one
from m3depth.priors.prior import DepthPrior
from m3depth.priors.sources import Source, completed
from m3depth.priors.windows import Window, windows
from m3depth.priors.writers.writer import Writer
from m3depth.types import StereoBatch

logger = logging.getLogger(__name__)


class Frames(Protocol):
    """A data set."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> StereoBatch: ...


class Export:
    """Writes frames that are not written yet.

    Two other threads read ahead of the source and write behind it. A frame that cannot be had is
    skipped with one line, and the others go on; at the early end of a video they do not.

    Args:
        source: Of the frames' depth.
        writer: Of the layout.
    """

    def __init__(self, source: Source, writer: Writer) -> None:
        self.source, self.writer = source, writer
        self.skipped = 0

    def __call__(self, frames: Frames, wanted: Sequence[int]) -> None:
        """Write this process's share, indices in ascending order.

        Raises:
            UserError: the folder cannot be written to, or holds another export.
            VideoEndError: a video ended early; the frames before are written.
        """
        found = windows(frames.__getitem__, len(frames), wanted)
        told = track(found, "export", total=len(wanted), transient=True)
        ended: list[VideoEndError] = []
        with Behind() as behind:
            for batch in batched(self._pending(told, behind, ended), self.source.batch_size):
                samples = [window.samples[window.place] for window in batch]
                priors = one_by_one(self.source, samples)
                for window, sample, prior in zip(batch, samples, priors, strict=True):
                    behind(self._write, window, sample, prior)
        if ended:
            raise ended[0]

    def _pending(
        self, found: Iterable[Window], behind: Behind, ended: list[VideoEndError]
    ) -> Iterator[Window]:
        """The windows of frames that can be read and are not written."""
        for window in found:
            if isinstance(window.error, VideoEndError):
                ended.append(window.error)
                return
            if window.error is not None:
                behind(self._skip, window, window.error)
            elif not self.writer.done(window.place, window.key):
                yield window

    def _write(self, window: Window, sample: StereoBatch, prior: DepthPrior | DataError) -> None:
        if isinstance(prior, DataError):
            return self._skip(window, prior)
        try:
            self.writer.write(window.place, completed(prior, sample))
        except DataError as error:
            self._skip(window, error)

    def _skip(self, window: Window, error: DataError) -> None:
        self.writer.skip(window.place, window.key, str(error))
        self.skipped += 1
        logger.warning("skipped: %s", error)
