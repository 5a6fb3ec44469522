"""The ranges of everything that a scene is drawn from, and the regions of them kept for tests."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from m3depth.data.synthetic.styles import GALLBLADDER, LIVER, OMENTUM, SPLEEN, Style
from m3depth.data.synthetic.wide.camera import AnyCamera
from m3depth.data.synthetic.wide.coverings import AnyCoverings
from m3depth.data.synthetic.wide.instruments import AnyInstruments
from m3depth.data.synthetic.wide.lamps import AnyLamps
from m3depth.data.synthetic.wide.lens import AnyLens
from m3depth.data.synthetic.wide.organs import AnyOrgan, KnownOrgan, Organ
from m3depth.data.synthetic.wide.rigs import AnyRig
from m3depth.data.synthetic.wide.sensor import AnySensor
from m3depth.data.synthetic.wide.smoke import AnySmoke
from m3depth.errors import ConfigError
from m3depth.validation import require_number


@dataclass(frozen=True)
class World:
    """What scenes are drawn from; each part says its own ranges.

    Attributes:
        own_chance: How often the endoscope's own lamp and camera look, where there is one
            endoscope: what millimetres can be told by is learned there, and elsewhere what can be
            told by any light.
    """

    organ: Organ = field(default_factory=AnyOrgan)
    lamps: AnyLamps = field(default_factory=AnyLamps)
    camera: AnyCamera = field(default_factory=AnyCamera)
    sensor: AnySensor = field(default_factory=AnySensor)
    lens: AnyLens = field(default_factory=AnyLens)
    coverings: AnyCoverings = field(default_factory=AnyCoverings)
    smoke: AnySmoke = field(default_factory=AnySmoke)
    instruments: AnyInstruments = field(default_factory=AnyInstruments)
    rig: AnyRig = field(default_factory=AnyRig)
    own_chance: float = 0.5

    def __post_init__(self) -> None:
        require_number("World.own_chance", self.own_chance, 0, 1)


LAMPS_BENEATH = (60.0, 120.0)  # degrees; `AnyLamps` keeps 30 away from these on either side
COLD = {"warmth": (-0.55, -0.35), "gamma": (1.35, 1.6)}  # whiter than `AnyCamera` goes, and flatter


def world_of(split: str, world: World) -> World:
    """The world of a split: the given one, or with an organ, lamps or cameras never trained on.

    Raises:
        ConfigError: there is no such split.
    """
    if split not in SPLITS:
        raise ConfigError(f"split={split} is none of {', '.join(SPLITS)}")
    return SPLITS[split](world)


def _as_it_is(world: World) -> World:
    return world


def _of_style(world: World, style: Style) -> World:
    return replace(world, organ=KnownOrgan(style))


def _from_beneath(world: World) -> World:
    return replace(world, own_chance=0.0, lamps=replace(world.lamps, angle_deg=LAMPS_BENEATH))


def _by_cold_cameras(world: World) -> World:
    return replace(world, own_chance=0.0, camera=replace(world.camera, **COLD))


SPLITS: dict[str, Callable[[World], World]] = {
    "train": _as_it_is,
    "val": _as_it_is,
    "test": _as_it_is,
    "test_style": partial(_of_style, style=LIVER),
    "test_spleen": partial(_of_style, style=SPLEEN),
    "test_gallbladder": partial(_of_style, style=GALLBLADDER),
    "test_omentum": partial(_of_style, style=OMENTUM),
    "test_lamps": _from_beneath,
    "test_cameras": _by_cold_cameras,
}
"""What each split changes of the world that it is given; its name seeds its scenes."""
