"""At which resolution a step trains."""

from collections.abc import Sequence
from dataclasses import dataclass

from m3depth.data.fields import resized
from m3depth.errors import ConfigError
from m3depth.types import StereoBatch
from m3depth.validation import require_number


@dataclass(frozen=True)
class CoarseToFine:
    """Small images first, the full size for the rest of the run.

    A wrong disparity finds its way downhill only from within about a pixel or the width of what
    the picture shows there; on a small picture that is a large share of the range, and a step is
    cheap. Disparity is a fraction of the width, so the network carries over as it is.
    ``shrink[i]`` divides both sides while the run's progress is below ``until[i]``.

    Raises:
        ConfigError: numbers that cannot be, or not as many of one as of the other.
    """

    shrink: Sequence[int] = ()
    until: Sequence[float] = ()

    def __post_init__(self) -> None:
        for shrink in self.shrink:
            require_number("resolution.shrink", shrink, 1, whole=True)
        for until in self.until:
            require_number("resolution.until", until, 0, 1)
        if len(self.shrink) != len(self.until):
            raise ConfigError(
                f"resolution.until={list(self.until)}: give one for each of {list(self.shrink)}"
            )

    def __call__(self, batch: StereoBatch, progress: float) -> StereoBatch:
        """The batch at the size of this stage; ``progress`` is the share of the run, 0 to 1."""
        stages = zip(self.shrink, self.until, strict=True)
        factor = next((shrink for shrink, until in stages if progress < until), 1)
        if factor == 1:
            return batch
        height, width = batch["left"].shape[-2:]
        return resized(batch, (height // factor, width // factor))
