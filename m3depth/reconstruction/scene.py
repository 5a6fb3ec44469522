"""The scene of a followed video: each frame with its depth, K and pose."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from torch.utils.data import Dataset

from m3depth.errors import DataError
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.priors.made import completed, prior_of
from m3depth.priors.prior import DepthPrior
from m3depth.progress import progress
from m3depth.reconstruction.layout import ReconstructedLayout
from m3depth.reconstruction.unit import Unit, in_unit
from m3depth.sources.source import Source
from m3depth.sources.together import batched, one_by_one
from m3depth.types import DepthMap, StereoBatch, StereoRig, Track

logger = logging.getLogger(__name__)


def scene_writer(folder: Path, unit: Unit, source: Source) -> SceneWriter:
    """Of a scene in this unit whose depth is from this source."""
    layout = ReconstructedLayout(metric=unit.metric)
    sha256 = source.checkpoint_sha256
    return SceneWriter(folder, layout, model=source.model, checkpoint_sha256=sha256)


def write_scene(
    frames: Dataset[StereoBatch],
    places: Sequence[int],
    track: Track,
    source: Source,
    writer: SceneWriter,
    unit: Unit,
) -> None:
    """Write each frame that is not written yet; one that has no depth is left out with a line.

    Args:
        frames: The video.
        places: Of the frames that are used, in order.
        track: The camera at each of them, in ``unit``.
        source: Of the depth; it sees the frame as the data have it, with their own rig.
        writer: Of the scene.
        unit: Of depth and path.

    Raises:
        UserError: the folder cannot be written to, or holds another scene.
        DataError: no frame has any depth.
    """

    def pending() -> Iterator[tuple[int, StereoBatch]]:
        for index in progress(range(len(places)), "depth"):
            rig = _rig(track, index)
            if not writer.done(index, track.names[index], rig):
                yield index, frames[places[index]]

    for batch in batched(pending(), source.batch_size):
        found = one_by_one(source, [sample for _, sample in batch])
        for (index, sample), depth in zip(batch, found, strict=True):
            try:
                if isinstance(depth, DataError):
                    raise depth
                writer.write(index, _prior(sample, depth, track, index, unit))
            except DataError as error:
                logger.warning("no depth: %s", error)
                writer.skip(index, track.names[index], str(error))
    writer.finish(len(places))


def _prior(
    sample: StereoBatch, found: DepthMap, track: Track, index: int, unit: Unit
) -> DepthPrior:
    seen = StereoBatch(left=sample["left"], rig=_rig(track, index), key=track.names[index])
    posed: StereoBatch = {**sample, "camera_to_world": track.camera_to_world[index]}
    prior = completed(prior_of(seen, in_unit(found, unit)), posed)
    if "ignore" not in sample:
        return prior
    shown = ~sample["ignore"][:1]
    return replace(prior, use=shown if prior.use is None else prior.use & shown)


def _rig(track: Track, index: int) -> StereoRig:
    return StereoRig(*(value[index].float() for value in track.cameras))
