"""Tools of any colour from any side, and clips on the tissue."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import Draw, stacked, turn
from m3depth.data.synthetic.height_field import HeightField, height, slopes
from m3depth.data.synthetic.tissue_scene import PARTS, REACH, draw_tool
from m3depth.data.synthetic.tools import Tools
from m3depth.data.synthetic.wide.ranges import Between, Ranges

COUNTS = (0.3, 0.32, 0.25, 0.09, 0.04)  # how often there are no, one, ... four tools
MOST_CLIPS = 4


@dataclass(frozen=True)
class AnyInstruments(Ranges):
    """None to four tools; clips now and then. Shafts and clips have the sizes of real ones."""

    turn_deg: Between = (-55.0, 55.0)  # away from coming in from the left or right
    shaft: Between = (0.02, 0.5)  # reflectance
    metal: Between = (0.1, 0.45)
    tint: Between = (0.8, 1.2)  # of each colour
    reach: Between = REACH  # of the tissue's distance, to a tip
    clip_chance: float = 0.15
    clip_half_mm: Between = (1.8, 4.5)
    clip_radius_mm: Between = (0.5, 0.9)

    def drawn(
        self, draw: Draw, surface: HeightField, camera_to_world: Float[Tensor, "4 4"]
    ) -> Tools:
        """The tools and clips of one scene, none of which moves."""
        edge = torch.tensor(COUNTS).cumsum(0)
        count = int((draw.within((0.0, 1.0)) >= edge).sum())
        clips = 1 + draw.whole(MOST_CLIPS) if draw.within((0.0, 1.0)) < self.clip_chance else 0
        made = [self._tool(draw, camera_to_world, k) for k in range(min(count, len(COUNTS) - 1))]
        made += [self._clip(draw, surface) for _ in range(clips)]
        return _tools(made)

    def _tool(self, draw: Draw, pose: Float[Tensor, "4 4"], number: int) -> tuple[Tensor, ...]:
        """`tissue_scene.draw_tool`, turned about the optical axis and painted."""
        start, end, radius, _ = draw_tool(draw, pose[:3, 3].norm(), number % 2, self.reach)
        turned = pose[:3, :3] @ turn("z", torch.deg2rad(draw.within(self.turn_deg)))
        shaft, metal = draw.within(self.shaft), draw.within(self.metal)
        paint = torch.stack([shaft, *[metal] * (PARTS - 1)])[:, None]
        paint = paint * torch.stack([draw.within(self.tint, 3), *[torch.ones(3)] * (PARTS - 1)])
        return start @ turned.T + pose[:3, 3], end @ turned.T + pose[:3, 3], radius, paint

    def _clip(self, draw: Draw, surface: HeightField) -> tuple[Tensor, ...]:
        """A capsule that lies on the tissue near the picture's middle."""
        x, y = draw.within((-20.0, 20.0), 2, 1, 1)
        one, now = stacked([surface]), torch.zeros(1)
        out = slopes(one, x, y, now)[0, :, 0]
        out = out / out.norm()
        across = torch.linalg.cross(out, torch.tensor([1.0, 0.0, 0.0]))
        along = across / across.norm()
        angle = draw.angle()
        along = along * angle.cos() + torch.linalg.cross(out, along) * angle.sin()
        radius, half = draw.within(self.clip_radius_mm), draw.within(self.clip_half_mm)
        middle = torch.stack([x[0, 0], y[0, 0], height(one, x, y, now)[0, 0]]) + 0.6 * radius * out
        colour = draw.within(self.metal) * draw.within(self.tint, 3)
        return (
            (middle - half * along)[None],
            (middle + half * along)[None],
            radius[None],
            colour[None],
        )


def _tools(made: list[tuple[Tensor, ...]]) -> Tools:
    """Their parts in one list; one absent part where there is none."""
    absent = torch.zeros(1, 3), torch.ones(1, 3), torch.zeros(1), torch.ones(1, 3)
    start, end, radius, colour = (torch.cat(part) for part in zip(absent, *made, strict=True))
    return Tools(start, end, radius, colour, torch.zeros_like(start), torch.zeros_like(radius))
