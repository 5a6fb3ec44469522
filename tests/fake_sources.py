"""Sources of depth for tests: a function of a batch of one, or of its left image."""

from collections.abc import Callable, Sequence

from torch import Tensor

from m3depth.evaluation.truth import as_batch
from m3depth.sources.source import Source
from m3depth.types import DepthMap, StereoBatch


class Fake(Source):
    """Gives what the function gives for each frame."""

    model = "a fake"

    def __init__(self, predict: Callable[[StereoBatch], DepthMap]) -> None:
        self.predict = predict

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        return [self.predict(as_batch(sample)) for sample in samples]


def by_network(network: Callable[[Tensor], DepthMap]) -> Fake:
    """What a network sees in the left image, at the size that it is read at."""
    return Fake(lambda batch: network(batch["left"]))
