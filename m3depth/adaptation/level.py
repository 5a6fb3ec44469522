"""What a level of adaptation is: all that the rest of the program asks of one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from m3depth.adaptation.frames import Frames
from m3depth.adaptation.model import Model


class Tried(NamedTuple):
    """A network as a level would have it, and what is to be said of it."""

    model: Model
    about: Mapping[str, Any]  # for the ledger: numbers and words


class Void(NamedTuple):
    """A level that has nothing to do here."""

    why: str


class Level(Protocol):
    """One way to adapt a network, without labels.

    Attributes:
        stereo: Whether it needs right images.
        metric: Whether the network's disparity belongs to the frames' rig after it.
    """

    stereo: bool
    metric: bool

    def __call__(self, model: Model, frames: Frames, folder: Path) -> Tried | Void:
        """Try it; ``model`` stays as it is.

        Args:
            model: To be adapted.
            frames: To be adapted to, and to know when to stop by; those to judge by are not used.
            folder: For what an interrupted run goes on from.
        """
