"""What everything that gives a video its camera has in common."""

from typing import NamedTuple, Protocol

from m3depth.errors import DataError
from m3depth.types import PairMotion, Scale, StereoBatch


class NoPoseError(DataError):
    """Nothing is known of the camera at this frame."""


class Placed(NamedTuple):
    """A frame and its place in the video."""

    place: int
    sample: StereoBatch


class MotionSource(Protocol):
    """Gives the camera's motion between two frames of a video.

    Attributes:
        model: Its name, for records.
        checkpoint_sha256: Of its file, "" without one.
        scale: Whether its translations are in millimetres, or known but for one factor.
        drifts: Whether errors add up along the path, so that loops are looked for.
        k_doubt: Why the K that it gives is none, whatever its numbers; "" without a doubt.
    """

    model: str
    checkpoint_sha256: str = ""
    drifts: bool = True
    k_doubt: str = ""

    @property
    def scale(self) -> Scale:
        """See the attributes."""

    def begin(self, frames: int) -> None:
        """Told once how many frames the video has; by default that is of no use."""
        return None

    def __call__(self, earlier: Placed, later: Placed) -> PairMotion:
        """The motion between two frames, and K of both where it is known, as a batch of one.

        Raises:
            NoPoseError: nothing is known of one of them.
            DataError: a frame lacks what is needed.
        """
