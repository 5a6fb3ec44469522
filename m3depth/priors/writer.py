"""What every writer can do."""

from typing import Protocol

from m3depth.priors.prior import DepthPrior
from m3depth.types.camera import StereoRig


class Writer(Protocol):
    """Writes a sequence frame by frame; may be stopped, resumed and shared between processes.

    ``index`` is the frame's position in the whole sequence, whichever process writes it.
    """

    def done(self, index: int, key: str, rig: StereoRig) -> bool:
        """Whether this frame was already written, so that it need not be predicted again.

        ``rig`` is what its depth is due by; a frame that another gave its millimetres is refused.
        """

    def write(self, index: int, prior: DepthPrior) -> None:
        """Write one frame."""

    def scene_names(self) -> tuple[str, ...]:
        """The files below the export's folder that belong to no single frame."""

    def skip(self, index: int, key: str, reason: str) -> None:
        """Record that this frame cannot be had; the rest goes on without it."""

    def finish(self, frames: int) -> list[int]:
        """Close the export once all ``frames`` are written or skipped.

        Returns:
            The positions that are still missing, for other processes to write; the export is
            complete when there are none.
        """
