"""The frames of a data set, through a source of depth, to a writer."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Protocol

from m3depth.errors import DataError
from m3depth.io.video import VideoEndError
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.priors.made import completed, prior_of
from m3depth.priors.pipeline import Behind, writing_behind
from m3depth.priors.prior import Unfinished
from m3depth.priors.smoothing import TemporalMean
from m3depth.priors.windows import Window, windows
from m3depth.progress import progress
from m3depth.sources.source import Source, require_metric
from m3depth.sources.together import batched, one_by_one
from m3depth.types import StereoBatch

UNCHANGED = TemporalMean(radius=0)

logger = logging.getLogger(__name__)


class Frames(Protocol):
    """A data set."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> StereoBatch: ...


class Export:
    """Writes frames that are not written yet.

    Two other threads read and prepare ahead of the source, and finish and write behind it. A frame
    that fails is skipped with one line, and the others go on; at the early end of a video they do
    not.

    Args:
        source: Of the frames' depth.
        writer: Of the layout.
        smoothing: Over each frame's neighbours in time.
    """

    def __init__(
        self, source: Source, writer: SceneWriter, smoothing: TemporalMean = UNCHANGED
    ) -> None:
        self.source, self.writer, self.smoothing = source, writer, smoothing
        self.skipped = 0
        self._posed: bool | None = None  # whether the frames come with poses; None before the first
        self._found: dict[int, Unfinished | DataError] = {}  # of the frames still in a window

    def __call__(self, frames: Frames, wanted: Sequence[int]) -> None:
        """Write this process's share, indices in ascending order.

        Raises:
            UserError: the folder cannot be written to, or holds another export.
            VideoEndError: a video ended early; the frames before are written.
        """

        def read(index: int) -> StereoBatch:
            return self.source.ahead(frames[index])

        found = windows(read, len(frames), wanted, self.smoothing.radius)
        told = progress(found, "export", len(wanted))
        ended: list[VideoEndError] = []
        with writing_behind() as behind:
            for batch in batched(self._pending(told, behind, ended), self.source.batch_size):
                self._predict(batch)
                for window in batch:
                    near = {index: self._found[index] for index in window.samples}
                    behind(self._write, window, near)
        if ended:
            raise ended[0]

    def agree(self, frames: Frames, which: Iterable[int]) -> None:
        """Make sure that frames that others wrote are of this export; one not there yet is.

        Raises:
            ConfigError: they are by other settings, from other data or by another rig.
        """
        for index in which:
            with suppress(DataError):  # what cannot be read, nobody wrote
                sample = frames[index]
                self.writer.done(index, str(sample["key"]), sample["rig"])

    def _predict(self, batch: Sequence[Window]) -> None:
        """The windows' frames that are not predicted yet; earlier windows' are forgotten."""
        samples = {i: sample for window in batch for i, sample in window.samples.items()}
        self._found = {i: prior for i, prior in self._found.items() if i in samples}
        new = sorted(samples.keys() - self._found.keys())
        for indices in batched(new, self.source.batch_size):
            found = one_by_one(self._begun, [samples[index] for index in indices])
            self._found |= dict(zip(indices, found, strict=True))

    def _begun(self, samples: Sequence[StereoBatch]) -> list[Unfinished]:
        """Each is finished once, however many windows it is in."""
        found = self.source(samples)
        for depth in found:
            require_metric(depth, self.source)
        return [cache(partial(prior_of, *pair)) for pair in zip(samples, found, strict=True)]

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
            elif not self.writer.done(window.place, window.key, window.rig):
                yield window

    def _write(self, window: Window, near: Mapping[int, Unfinished | DataError]) -> None:
        finish = near[window.place]
        if isinstance(finish, DataError):
            return self._skip(window, finish)
        try:
            prior = finish()
            if self.smoothing.radius:
                others = [near[index] for index in sorted(near) if index != window.place]
                known = [other() for other in others if not isinstance(other, DataError)]
                prior = self.smoothing(prior, known)
            sample = window.samples[window.place]
            self._require_alike(sample)
            self.writer.write(window.place, completed(prior, sample))
        except DataError as error:
            self._skip(window, error)

    def _require_alike(self, sample: StereoBatch) -> None:
        """Frames with and without poses are not of one scene: still and moving cameras."""
        posed = "camera_to_world" in sample
        if self._posed is None:
            self._posed = posed
        if posed != self._posed:
            one, other = ("a pose", "none") if posed else ("no pose", "poses")
            raise DataError(
                f"{sample['key']}: has {one}, but the frames before have {other}; export "
                "sequences with and without poses apart"
            )

    def _skip(self, window: Window, error: DataError) -> None:
        self.writer.skip(window.place, window.key, str(error))
        self.skipped += 1
        logger.warning("skipped: %s", error)
