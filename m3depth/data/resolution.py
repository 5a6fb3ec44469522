"""At which resolution a step trains."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch.nn import functional

from m3depth.types import StereoBatch


@dataclass(frozen=True)
class CoarseToFine:
    """Small images first, the full size for the rest of the run.

    A wrong disparity finds its way downhill only from within about a pixel or the width of what
    the picture shows there; on a small picture that is a large share of the range, and a step is
    cheap. Disparity is a fraction of the width, so the network carries over as it is.
    ``shrink[i]`` divides both sides while the run's progress is below ``until[i]``.
    """

    shrink: Sequence[int] = ()
    until: Sequence[float] = ()

    def __call__(self, batch: StereoBatch, progress: float) -> StereoBatch:
        """The batch at the size of this stage; ``progress`` is the share of the run, 0 to 1."""
        stages = zip(self.shrink, self.until, strict=True)
        factor = next((shrink for shrink, until in stages if progress < until), 1)
        if factor == 1:
            return batch
        height, width = batch["left"].shape[-2:]
        size = height // factor, width // factor
        resized = StereoBatch(
            left=functional.interpolate(batch["left"], size, mode="area"),
            right=functional.interpolate(batch["right"], size, mode="area"),
            rig=batch["rig"].resized((height, width), size),
            key=batch["key"],
        )
        if "ignore" in batch:
            resized["ignore"] = functional.adaptive_max_pool2d(batch["ignore"].float(), size) > 0
        return resized
