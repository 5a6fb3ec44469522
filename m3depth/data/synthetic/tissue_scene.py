"""A scene: everything that a picture is computed from, drawn from a seed."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw, flat_turn, stacked, turn
from m3depth.data.synthetic.height_field import HeightField, height
from m3depth.data.synthetic.shading import Light
from m3depth.data.synthetic.styles import Style
from m3depth.data.synthetic.texture import Texture
from m3depth.data.synthetic.tools import Tools
from m3depth.data.synthetic.vessels import TREES, vessel_tiles
from m3depth.types.camera import StereoRig


class Endoscope(NamedTuple):
    """A stereo endoscope, whatever the resolution of its pictures."""

    focal: Float[Tensor, "*b"]  # fraction of the width
    baseline_mm: Float[Tensor, "*b"]
    principal_offset: Float[Tensor, "*b"]  # cx - cx_right, fraction of the width

    def rig(self, height: int, width: int) -> StereoRig:
        """The calibrated rig at a resolution, with square pixels."""
        one = torch.ones_like(self.focal)
        middle, half_offset = one * (width - 1) / 2, self.principal_offset * width / 2
        return StereoRig(
            fx=self.focal * width,
            fy=self.focal * width,
            cx=middle + half_offset,
            cy=one * (height - 1) / 2,
            cx_right=middle - half_offset,
            baseline_mm=self.baseline_mm,
        )


class Scene(NamedTuple):
    """One scene (``*b`` empty) or a batch of them."""

    surface: HeightField
    texture: Texture
    tools: Tools
    light: Light
    endoscope: Endoscope
    camera_to_world: Float[Tensor, "*b 4 4"]  # of the left camera; mm, OpenCV axes


def draw_scene(
    generator: torch.Generator, endoscope: torch.Generator, style: Style, tools: bool = True
) -> Scene:
    """A scene in a style; ``endoscope`` draws what one instrument brings to all of its scenes."""
    draw, instrument = Draw(generator), Draw(endoscope)
    surface = _surface(draw, style)
    camera_to_world = _camera(draw, style, surface)
    return Scene(
        surface=surface,
        texture=_texture(draw, style),
        tools=_tools(draw, camera_to_world, tools),
        endoscope=draw_endoscope(instrument),
        light=_light(draw, instrument, style),
        camera_to_world=camera_to_world,
    )


def draw_endoscope(instrument: Draw) -> Endoscope:
    """The rig of an instrument, around a da Vinci's."""
    return Endoscope(
        focal=instrument.within((0.90, 0.96)),
        baseline_mm=instrument.within((4.0, 5.6)),
        principal_offset=torch.zeros(()),
    )


CLOSEST_MM = 32.0  # the tissue keeps this far from the lens


def _camera(draw: Draw, style: Style, surface: HeightField) -> Float[Tensor, "4 4"]:
    """Look at the tissue's middle, obliquely, and step back until no part of it is too close."""
    tilt = torch.deg2rad(draw.within(style.tilt_deg))
    towards = draw.within((-0.9, 0.9)) + math.pi * (draw.whole(4) == 0)
    rotation = turn("z", towards) @ turn("x", tilt) @ turn("z", -towards)
    # Half the picture's height is about 0.45 focal lengths: there the tissue comes nearest.
    clear = CLOSEST_MM * (1 + 0.45 * tilt.tan()) - _highest(surface) / tilt.cos()
    pose = torch.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -torch.maximum(draw.within(style.distance_mm), clear) * rotation[:, 2]
    return pose


def _highest(surface: HeightField) -> Float[Tensor, ""]:
    """The smallest ``z`` of the tissue about the world's origin."""
    side = torch.linspace(-60.0, 60.0, 41)  # mm
    x, y = torch.meshgrid(side, side, indexing="ij")
    return height(stacked([surface]), x.reshape(1, -1), y.reshape(1, -1), torch.zeros(1)).min()


def _surface(
    draw: Draw, style: Style, waves: int = 4, folds: int = 2, lobes: int = 4
) -> HeightField:
    swell = draw.waves(style.swell_length_mm, waves)
    bump = draw.waves(style.bump_length_mm, waves)
    # |sin| has two ridges to a period.
    fold = draw.waves(style.fold_spacing_mm, folds) / 2
    angle, radius = draw.angle(lobes), draw.within(style.lobe_radius_mm, lobes, 2)
    turned = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], -1).view(-1, 2, 2)
    return HeightField(
        wave_vector=torch.cat([swell, bump]),
        wave_phase=draw.angle(2 * waves),
        wave_mm=torch.cat([draw.within(style.swell_mm, waves), draw.within(style.bump_mm, waves)]),
        fold_vector=fold,
        fold_phase=draw.angle(folds),
        fold_mm=draw.within(style.fold_mm, folds) * torch.tensor([1.0, 0.5]),
        fold_crease=draw.within(style.fold_crease, folds),
        meander_vector=draw.waves((35.0, 80.0), folds),
        meander=draw.within((0.3, 1.3), folds),
        lobe_centre_mm=draw.within((-48.0, 48.0), lobes, 2),
        lobe_axes=turned / radius[..., None],
        lobe_mm=draw.within(style.lobe_mm, lobes),
        breath_mm=draw.within((-1.0, 1.0), 3) * torch.tensor([1.0, 1.0, 2.0]),
        breath_rate=draw.within((1.2, 2.0)),
        peristalsis=draw.within((-0.5, 0.5), folds),
    )


WAVELENGTHS_MM = (46.0, 21.0, 10.0, 5.0, 2.6, 1.4, 0.75)
PROMINENCE = (0.6, 0.6, 0.8, 1.8, 1.0, 1.0, 1.0)  # lobules have a size; equal octaves have none


def _texture(draw: Draw, style: Style) -> Texture:
    count = len(WAVELENGTHS_MM)
    palette = style.palettes[draw.whole(len(style.palettes))]
    colours = {
        name: torch.tensor(colour) ** 2.2 * draw.within((0.9, 1.1), 3)  # as reflectances
        for name, colour in vars(palette).items()
    }
    contrast = draw.within(style.mottle) * draw.within(style.roughness) ** torch.arange(count)
    contrast = contrast * torch.tensor(PROMINENCE)
    stretch = draw.within(style.stretch).sqrt()
    along = torch.diag(torch.stack([1 / stretch, stretch]))
    fibre = draw.angle()
    turns = [flat_turn(draw.angle()) @ along @ flat_turn(fibre) for _ in range(count)]
    return Texture(
        wavelength_mm=torch.tensor(WAVELENGTHS_MM) * draw.within((0.92, 1.08), count),
        turn=torch.stack(turns),
        offset=draw.within((0.0, 1.0), count, 2),
        mottle=contrast,
        relief=draw.within((0.008, 0.025)) * torch.tensor([0.0, 0.6, 1.0, 1.0, 0.6, 0.3, 0.0]),
        fat_above=draw.within(style.fat_above),
        film_above=draw.within(style.film_above),
        vessel_tile=vessel_tiles()[draw.whole(TREES)],
        vessel_turn=flat_turn(draw.angle()) * draw.within((0.9, 1.1)),
        vessel_offset=draw.within((0.0, 1.0), 2),
        vessel_share=draw.within(style.vessels),
        **colours,
    )


EXPOSURE_DRIFT = (0.9, 1.1)  # of what automatic exposure aims at, from scene to scene


def _light(draw: Draw, instrument: Draw, style: Style) -> Light:
    """Lamp and camera belong to the instrument; how the tissue answers, to the scene."""
    beside, above = instrument.within((-3.0, 8.0)), instrument.within((-7.0, -3.0))
    warm, white = torch.tensor([1.0, 0.94, 0.9]), torch.ones(3)
    return Light(
        offset_mm=torch.stack([beside, above, torch.zeros(())]),
        cone=instrument.within((3.0, 8.0)),
        colour=torch.lerp(warm, white, instrument.within((0.0, 1.0))),
        exposure=instrument.within((0.15, 0.25)) * draw.within(EXPOSURE_DRIFT),
        gamma=instrument.within((2.0, 2.4)),
        vignetting=instrument.within((0.05, 0.12)),
        noise=draw.within(style.noise),  # follows the gain, and that follows the light
        ambient=draw.within((0.06, 0.16)),
        gloss=draw.within(style.gloss),
        shininess=draw.within(style.shininess),
    )


PARTS = 4  # of one tool: shaft, wrist and two jaws
MOST_TOOLS = 2


def _tools(draw: Draw, camera_to_world: Float[Tensor, "4 4"], wanted: bool) -> Tools:
    """None, one or two tools that come from the picture's border and from nearer to the lens."""
    count = draw.whole(MOST_TOOLS + 1)
    distance_mm = camera_to_world[:3, 3].norm()  # the middle of the picture is the origin
    side = draw.whole(2)
    made = [draw_tool(draw, distance_mm, (side + k) % 2) for k in range(MOST_TOOLS)]
    start, end, radius, colour = (torch.cat(part) for part in zip(*made, strict=True))
    shown = wanted * (torch.arange(MOST_TOOLS) < count).repeat_interleave(PARTS)
    rotation, centre = camera_to_world[:3, :3], camera_to_world[:3, 3]
    travel = (draw.within((-5.0, 5.0), MOST_TOOLS, 3) @ rotation.T).repeat_interleave(PARTS, 0)
    return Tools(
        start_mm=start @ rotation.T + centre,
        end_mm=end @ rotation.T + centre,
        radius_mm=radius * shown,
        metal=colour,
        travel_mm=travel,
        travel_rate=draw.within((1.0, 2.5), MOST_TOOLS).repeat_interleave(PARTS),
    )


REACH = 0.62, 0.84  # of the tissue's distance, to a tool's tip
NEAREST_TIP_MM = 38.0  # at that reach; a shorter one comes nearer


def draw_tool(
    draw: Draw, distance_mm: Tensor, side: int, reach: Sequence[float] = REACH
) -> tuple[Tensor, ...]:
    """One tool in the camera's frame; ``side`` 0 comes from the left, 1 from the right."""
    sign, nearest_mm = 2.0 * side - 1.0, NEAREST_TIP_MM * min(1.0, reach[0] / REACH[0])
    reach_mm = (draw.within(reach) * distance_mm).clamp_min(nearest_mm)
    tip = torch.stack([sign * draw.within((0.0, 0.26)), draw.within((-0.16, 0.26)), torch.ones(())])
    tip = tip * reach_mm
    from_x, from_y = sign * draw.within((0.75, 1.1)), draw.within((-0.25, 0.8))
    base_mm = (draw.within((0.75, 0.95)) * reach_mm).clamp_min(nearest_mm - 2.0)
    base = torch.stack([from_x, from_y, torch.ones(())]) * base_mm
    axis = (base - tip) / (base - tip).norm()
    wrist, shaft = tip + 9.0 * axis, tip + 19.0 * axis
    spread = torch.linalg.cross(axis, torch.tensor([0.0, 0.0, 1.0])) * draw.within((0.5, 4.5))
    start = torch.stack([shaft, wrist, wrist, wrist])
    end = torch.stack([shaft + 90.0 * axis, shaft, tip + spread, tip - spread])
    radius = torch.stack(
        [draw.within((2.7, 4.2)), *draw.within((1.8, 2.6), 1), *[draw.within((0.8, 1.3))] * 2]
    )
    grey = torch.stack([draw.within((0.035, 0.12)), *[draw.within((0.25, 0.45))] * 3])
    return start, end, radius, grey[:, None] * torch.tensor([0.95, 0.98, 1.0])
