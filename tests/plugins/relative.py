"""A user's source of depth, relative as most foundation models are: the brighter, the nearer."""

from collections.abc import Sequence

from m3depth.sources.source import Source
from m3depth.types import DepthMap, Kind, Scale, StereoBatch


class Brightness(Source):
    """Inverse depth up to scale and shift."""

    model = "brightness"

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        """The mean of the colours, negative where it is dark."""
        grey = [sample["left"].mean(0)[None, None] - 0.5 for sample in samples]
        return [DepthMap(one, Kind.INVERSE_DEPTH, Scale.UP_TO_SCALE_AND_SHIFT) for one in grey]
