"""Data sets that compute their frames, of which nobody should ask for all without need."""

import logging

from torch.utils.data import Dataset, Subset

from m3depth.types import StereoBatch

FEW = 256  # depths of so many scenes have the mean of all to within a few per cent
logger = logging.getLogger(__name__)


class OnDemand(Dataset[StereoBatch]):
    """A set that may compute a frame anew whenever it is asked for it.

    Attributes:
        on_demand: Whether it does; else the frames are at hand.
    """

    on_demand: bool


def few_of(pairs: Dataset[StereoBatch], what: str) -> Dataset[StereoBatch]:
    """The first `FEW` of a set that computes its frames; any other set as it is.

    ``what`` says in the log what they are for.
    """
    if not isinstance(pairs, OnDemand) or not pairs.on_demand:
        return pairs
    count = len(pairs)  # type: ignore[arg-type]  # torch leaves __len__ to map-style sets
    if count <= FEW:
        return pairs
    logger.info("%s: of the first %d frames of %d, which are computed anew", what, FEW, count)
    return Subset(pairs, range(FEW))
