"""The frames of an input, through a source of depth, to files."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from operator import length_hint
from pathlib import Path

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.confidence import DISPARITIES
from m3depth.geometry.resizing import size_of
from m3depth.io.input_frames import InputFrame, InputFrames
from m3depth.io.rig_file import RigFile
from m3depth.io.video import VideoEndError
from m3depth.priors.files import arrays, write_prediction, write_relative
from m3depth.priors.made import at_image, prior_of
from m3depth.priors.pictures import scale
from m3depth.priors.pipeline import ahead, writing_behind
from m3depth.progress import progress
from m3depth.sources.source import Source
from m3depth.sources.together import batched, one_by_one
from m3depth.types import DepthMap, Scale, StereoBatch

Found = tuple[StereoBatch, DepthMap]

logger = logging.getLogger(__name__)


class Predictions:
    """Writes the numbers of each frame, and remembers what the pictures need of all of them.

    Args:
        output: The folder.
        ply: Also write point clouds.

    Attributes:
        written: The names of the frames that were written.
        skipped: How many frames failed.
        ended: Why a video ended early.
        relative: Whether depth is known up to a scale only.
        in_millimetres: Whether it is known in millimetres, and not as disparity alone.
        by_rig: Whether it was found as disparity, and is in millimetres by the rig.
        range: Of the depth or disparity.
        deviations: Of the scales of the frames, where the source says them.
    """

    def __init__(self, output: Path, ply: bool) -> None:
        self.output, self.ply = output, ply
        self.written: list[str] = []
        self.skipped = 0
        self.ended: VideoEndError | None = None
        self.relative, self.in_millimetres, self.by_rig = False, True, False
        self.range = scale.Range()
        self.deviations: list[float] = []

    def __call__(self, source: Source, frames: InputFrames, rig: RigFile | None) -> None:
        """Predict all frames; those that fail are skipped with one line each.

        Raises:
            UserError: the folder cannot be written to, or ``ply`` without depth in millimetres.
        """
        with writing_behind() as behind:
            for found in _found(source, frames, rig):
                if isinstance(found, VideoEndError):
                    self.ended = found
                elif isinstance(found, DataError):
                    self.skipped += 1
                    logger.warning("skipped: %s", found)
                else:
                    behind(self._write, *found)

    def colours(self, near_mm: float | None = None, far_mm: float | None = None) -> scale.Scale:
        """What the pictures' colours stand for, one range for all of them; see `depth_scale`."""
        if self.relative:
            return scale.relative_scale(self.range)
        if self.in_millimetres:
            return scale.depth_scale(self.range, near_mm, far_mm)
        return scale.disparity_scale(self.range)

    def _write(self, sample: StereoBatch, found: DepthMap) -> None:
        name, image = str(sample["key"]), sample["left"]
        if found.scale is Scale.METRIC:
            prior = prior_of(sample, found)
            write_prediction(prior, self.output / name, self.ply)
            self.range.add(scale.values_of(arrays(prior)), image.numpy())
            self.in_millimetres = prior.in_millimetres
            self.by_rig = found.kind in DISPARITIES
            if prior.scale_deviation is not None:
                self.deviations.append(prior.scale_deviation)
        elif self.ply:
            raise ConfigError("ply=true: points are in millimetres, and this depth is relative")
        else:
            relative = at_image(found, size_of(image))
            write_relative(relative, self.output / name)
            values = {"inverse_depth": relative.relative().values[0, 0].cpu().numpy()}
            self.range.add(scale.values_of(values), image.numpy())
            self.relative, self.in_millimetres = True, False
        self.written.append(name)


def _found(source: Source, frames: InputFrames, rig: RigFile | None) -> Iterator[Found | DataError]:
    """All frames in order, except that the errors of unreadable ones come early."""

    def predict(samples: Sequence[StereoBatch]) -> list[Found]:
        return list(zip(samples, source(samples), strict=True))

    shown = progress(frames, "predict", length_hint(frames) or None)
    unreadable: list[DataError] = []
    for samples in batched(_samples(source, shown, rig, unreadable), source.batch_size):
        yield from unreadable
        unreadable.clear()
        yield from one_by_one(predict, samples)
    yield from unreadable


def _samples(
    source: Source, frames: Iterable[InputFrame], rig: RigFile | None, unreadable: list[DataError]
) -> Iterator[StereoBatch]:
    def read(frame: InputFrame) -> StereoBatch:
        sample: StereoBatch = {"key": frame.name, "left": frame.image}
        if rig is not None:
            sample["rig"] = rig.at(size_of(sample["left"]), frame.name)
        return source.ahead(sample)

    for _, reading in ahead(read, frames):
        try:
            yield reading.result()
        except DataError as error:
            unreadable.append(error)
