"""What is told of images that a network is adapted to, where they are unlike its training's."""

import logging
from pathlib import Path

from m3depth.adaptation.frames import Frames
from m3depth.geometry.resizing import size_of
from m3depth.io.input_frames import open_frames
from m3depth.sources.trained_rig import TrainedRig

SHAPES_APART = 1.05  # ratio from which a shape is told to be another one

logger = logging.getLogger(__name__)


def tell_differences(frames: Frames, trained: TrainedRig, source: Path | None) -> None:
    """Warn of another rig, by whose f·b depth goes from here on, and of images that are stretched.

    Args:
        frames: At the network's size.
        trained: What the network was trained with.
        source: The folder or the video that they are of; None: of a data set.
    """
    sample, own = frames.adapt[0], None
    if "rig" in sample:
        seen = TrainedRig(sample["rig"], size_of(sample["left"]))
        own = _shape(seen)
        if line := trained.difference(*seen):
            logger.warning("%s", line)
    elif source is not None:
        height, width = size_of(next(iter(open_frames(source))).image)
        own = width / height
    learned = _shape(trained)
    if own is not None and max(own / learned, learned / own) > SHAPES_APART:
        logger.warning(
            "the images are %.2f times as wide as high, those of the training %.2f times: they are "
            "stretched to that shape, and so is what they show; crop them to it",
            own,
            learned,
        )


def _shape(seen: TrainedRig) -> float:
    """Width over height before the resize, which changed the pixels' two focal lengths apart."""
    height, width = seen.size
    return float(width / height * seen.rig.fy / seen.rig.fx)
