"""One scene of a world: each part drawn by a generator of its own, so that none moves another."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from m3depth.data.synthetic.draw import Draw, stacked
from m3depth.data.synthetic.styles import Style
from m3depth.data.synthetic.tissue_scene import Scene, draw_scene
from m3depth.data.synthetic.wide.camera import Camera, own_camera
from m3depth.data.synthetic.wide.coverings import Blood, Gauze
from m3depth.data.synthetic.wide.lamps import Lamps, own_lamp
from m3depth.data.synthetic.wide.lens import Lens
from m3depth.data.synthetic.wide.sensor import Sensor
from m3depth.data.synthetic.wide.smoke import Smoke
from m3depth.data.synthetic.wide.world import World


class WideScene(NamedTuple):
    """Everything that both pictures are computed from, but the rig and the noise."""

    style: Style
    tissue: Scene  # a batch of one; its lamp and endoscope are not used, gloss and shininess are
    lamps: Lamps
    camera: Camera
    sensor: Sensor
    lenses: tuple[Lens, Lens]  # of the left and the right view
    blood: Blood
    gauze: Gauze
    smoke: Smoke


def draw_wide_scene(
    world: World, generator: Callable[[str], torch.Generator], endoscope: torch.Generator | None
) -> WideScene:
    """A scene of a world.

    Args:
        world: What to draw from.
        generator: Makes the random numbers for a purpose.
        endoscope: Draws the one instrument, whose own lamp and camera look now and then.
    """

    def draw(purpose: str) -> Draw:
        return Draw(generator(purpose))

    style = world.organ.drawn(draw("organ"))
    tissue = draw_scene(generator("tissue"), endoscope or generator("light"), style, tools=False)
    tools = world.instruments.drawn(draw("tools"), tissue.surface, tissue.camera_to_world)
    own = draw("own").within((0.0, 1.0)) < world.own_chance and endoscope is not None
    lamps, camera = world.lamps.drawn(draw("lamps")), world.camera.drawn(draw("camera"))
    blood, gauze = world.coverings.drawn(draw("coverings"))
    return WideScene(
        style=style,
        tissue=stacked([tissue._replace(tools=tools)]),
        lamps=own_lamp(tissue.light) if own else lamps,
        camera=own_camera(tissue.light) if own else camera,
        sensor=world.sensor.drawn(draw("sensor")),
        lenses=(world.lens.drawn(draw("left lens")), world.lens.drawn(draw("right lens"))),
        blood=blood,
        gauze=gauze,
        smoke=world.smoke.drawn(draw("smoke")),
    )
