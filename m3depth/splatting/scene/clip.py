"""A scene as it is fitted: frames of one size in the order of time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from jaxtyping import Bool
from torch import Tensor

from m3depth.errors import DataError
from m3depth.priors.layouts.frame import ReadFrame
from m3depth.priors.sound import camera_faults, require_sound_frame, stop_at
from m3depth.splatting.rasteriser.camera import Camera

TEST_EVERY = 8  # frame i is held out where (i - 1) % 8 == 0, as all of EndoNeRF's followers do


class ClipFrame(ReadFrame):
    """One frame of a scene, or of what is known about it."""

    @property
    def known(self) -> Bool[Tensor, "1 h w"]:
        """Where tissue is seen and its depth is known."""
        return self.use & (self.depth_mm > 0)

    @property
    def camera(self) -> Camera:
        """Whose picture it is."""
        world_to_camera = torch.linalg.inv(self.camera_to_world.double()).float()
        return Camera(self.intrinsics, world_to_camera, self.size)


@dataclass(frozen=True)
class Clip:
    """All frames of a scene.

    Attributes:
        frames: Of one size, in the order of time.
        places: Of each in the sequence that they are from, ascending, where some are left out;
            empty where none is.
        edited: Files of the scene that were changed since its export.
        source: Of its depth, as the export names it; empty where nobody says.
    """

    frames: tuple[ClipFrame, ...]
    places: tuple[int, ...] = ()
    edited: tuple[str, ...] = ()
    source: str = ""

    @classmethod
    def of(cls, frames: Sequence[ClipFrame], folder: Path, places: Sequence[int] = ()) -> Self:
        """A clip of sound frames; ``folder`` is for the messages.

        Raises:
            DataError: fewer than two frames, other sizes than the first's, colours, depth, a pose
                or a K that cannot be meant, or no fitted frame with tissue of a known depth.
        """
        if len(frames) < 2:
            raise DataError(f"{folder}: {len(frames)} frames; expected one to fit and one to test")
        for frame in frames:
            where = f"{folder}: {frame.key}"
            require_sound_frame(where, frame.image, frame.depth_mm, frame.camera_to_world)
            stop_at(where, camera_faults(frame.intrinsics, frame.size))
            if frame.size != frames[0].size:
                raise DataError(
                    f"{where}: {_told(frame.size)}, but {frames[0].key} is "
                    f"{_told(frames[0].size)}; a scene has one size: resize the images"
                )
        clip = cls(tuple(frames), tuple(places))
        if not any(bool(frames[index].known.any()) for index in clip.fitted):
            raise DataError(
                f"{folder}: no frame to be fitted has a pixel of tissue with a known depth; is the "
                "mask the wrong way round, or the depth all 0?"
            )
        return clip

    def __len__(self) -> int:
        return len(self.frames)

    def to(self, device: torch.device | str) -> "Clip":
        """With colours, depth and masks on a device; cameras may stay where they are."""
        moved = (
            frame._replace(
                image=frame.image.to(device),
                depth_mm=frame.depth_mm.to(device),
                use=frame.use.to(device),
            )
            for frame in self.frames
        )
        return replace(self, frames=tuple(moved))

    def time(self, index: int) -> float:
        """0 at the first frame, 1 at the last; a frame that was left out leaves its gap."""
        places = self.places or range(len(self))
        return (places[index] - places[0]) / (places[-1] - places[0])

    @property
    def fingerprint(self) -> str:
        """The same for the same pictures, depths, masks, cameras and times, wherever they are."""
        digest = hashlib.sha256(str([self.time(index) for index in range(len(self))]).encode())
        for frame in self.frames:
            for tensor in frame[1:6]:  # but its name and what nothing is fitted to
                digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()

    @property
    def held_out(self) -> list[int]:
        """The frames that are not fitted, for the scores."""
        return [index for index in range(len(self)) if (index - 1) % TEST_EVERY == 0]

    @property
    def fitted(self) -> list[int]:
        """All others."""
        return [index for index in range(len(self)) if (index - 1) % TEST_EVERY != 0]


def _told(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
