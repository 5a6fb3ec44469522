"""How a clip's camera moves and zooms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw, turn
from m3depth.errors import ConfigError
from m3depth.validation import require_number

FASTEST, SLOWEST = 1.5, 0.6  # radian per s


class Zoom(Protocol):
    """The focal length as a multiple of its smallest."""

    def __call__(self, time_s: Float[Tensor, "t"]) -> Float[Tensor, "t"]:
        """At these times."""


class InAndOut(NamedTuple):
    """It grows by this share and comes back, again and again."""

    share: Float[Tensor, ""]
    rate: Float[Tensor, ""]  # radian per s

    def __call__(self, time_s: Float[Tensor, "t"]) -> Float[Tensor, "t"]:
        """1 at time 0."""
        return 1 + self.share * (1 - torch.cos(self.rate * time_s)) / 2


class Steady(NamedTuple):
    """It grows by this share over the clip, from the first frame to the last."""

    share: Float[Tensor, ""]
    duration_s: float

    def __call__(self, time_s: Float[Tensor, "t"]) -> Float[Tensor, "t"]:
        """1 at time 0."""
        return 1 + self.share * time_s / self.duration_s


class CameraPath(NamedTuple):
    """How the endoscope moves about its place, and how it zooms."""

    sway_mm: Float[Tensor, "3"]  # along the camera's own axes
    sway_rate: Float[Tensor, "3"]  # radian per s
    sway_phase: Float[Tensor, "3"]  # radian
    turn_rad: Float[Tensor, "3"]  # about the camera's own axes
    turn_rate: Float[Tensor, "3"]  # radian per s
    turn_phase: Float[Tensor, "3"]  # radian
    zoom: Zoom

    def motion(self, time_s: Float[Tensor, "t"]) -> Float[Tensor, "t 4 4"]:
        """From the camera at a time to the camera at its place."""
        turns = self.turn_rad * torch.sin(self.turn_rate * time_s[:, None] + self.turn_phase)
        pose = torch.eye(4).repeat(len(time_s), 1, 1)
        pose[:, :3, :3] = turn("x", turns[:, 0]) @ turn("y", turns[:, 1]) @ turn("z", turns[:, 2])
        sway = torch.sin(self.sway_rate * time_s[:, None] + self.sway_phase)
        pose[:, :3, 3] = self.sway_mm * sway
        return pose


class DrawPath(Protocol):
    """From random numbers to a clip's path; its ``repr`` is all that the path depends on else."""

    def __call__(self, generator: torch.Generator, duration_s: float) -> CameraPath:
        """The path of one clip."""


@dataclass(frozen=True)
class Gentle:
    """A small sway that starts at the scene's own view, and a zoom by 15 to 40 % if wanted."""

    zoom: bool = True

    def __call__(self, generator: torch.Generator, duration_s: float) -> CameraPath:
        """The path of one clip."""
        draw, still = Draw(generator), torch.zeros(3)
        return CameraPath(
            sway_mm=draw.within((-1.0, 1.0), 3) * torch.tensor([6.0, 6.0, 4.0]),
            sway_rate=draw.within((SLOWEST, FASTEST), 3),
            sway_phase=still,
            turn_rad=draw.within((-1.0, 1.0), 3) * math.radians(4.0),
            turn_rate=draw.within((SLOWEST, FASTEST), 3),
            turn_phase=still,
            zoom=InAndOut(draw.within((0.15, 0.4)) * self.zoom, draw.within((0.8, 1.6))),
        )


@dataclass(frozen=True)
class Moving:
    """A camera that moves, turns and zooms as much as said, each axis in its own time.

    ``sway_mm=[0,0]`` is a pure rotation, ``turn_deg=[0,0]`` a pure translation. A range is
    [least, most]; each axis draws its largest sway and turn from it.

    Attributes:
        sway_mm: along the camera's x and y; half of it along z.
        turn_deg: about the camera's x, y and z.
        zoom: the share by which the focal length grows, steadily, from the first frame to the last.

    Raises:
        ConfigError: a range that is none.
    """

    sway_mm: Sequence[float] = (5.0, 9.0)
    turn_deg: Sequence[float] = (6.0, 10.0)
    zoom: Sequence[float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for name, most in (("sway_mm", 20), ("turn_deg", 20), ("zoom", 2)):
            between = getattr(self, name)
            if len(between) != 2:
                raise ConfigError(f"path.{name}={between}: expected [least, most]")
            require_number(f"path.{name}", between[0], 0, between[1])
            require_number(f"path.{name}", between[1], 0, most)
            object.__setattr__(self, name, tuple(map(float, between)))  # one repr for equal ones

    def __call__(self, generator: torch.Generator, duration_s: float) -> CameraPath:
        """The path of one clip."""
        draw = Draw(generator)
        sway = draw.within(_range(self.sway_mm), 3) * torch.tensor([1.0, 1.0, 0.5])
        return CameraPath(
            sway_mm=sway,
            sway_rate=draw.within((SLOWEST, FASTEST), 3),
            sway_phase=draw.angle(3),
            turn_rad=torch.deg2rad(draw.within(_range(self.turn_deg), 3)),
            turn_rate=draw.within((SLOWEST, FASTEST), 3),
            turn_phase=draw.angle(3),
            zoom=Steady(draw.within(_range(self.zoom)), max(duration_s, 1e-6)),
        )


def _range(between: Sequence[float]) -> tuple[float, float]:
    return between[0], between[1]
