"""Clips: a camera that moves and zooms over tissue that breathes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.data.synthetic.draw import Draw, repeated, turn
from m3depth.data.synthetic.population import Population
from m3depth.data.synthetic.rendering import Rendering, render
from m3depth.data.synthetic.samples import (
    clip_sample,
    rendered_size,
    stored,
)
from m3depth.data.synthetic.styles import Style
from m3depth.data.synthetic.tissue_scene import Scene
from m3depth.types import StereoBatch
from m3depth.validation import require_number


class CameraPath(NamedTuple):
    """How the endoscope moves about its place, and how it zooms."""

    sway_mm: Float[Tensor, "3"]  # along the camera's own axes
    sway_rate: Float[Tensor, "3"]  # radian per s
    turn_rad: Float[Tensor, "3"]  # about the camera's own axes
    turn_rate: Float[Tensor, "3"]  # radian per s
    zoom: Float[Tensor, ""]  # the focal length grows by this share and comes back
    zoom_rate: Float[Tensor, ""]  # radian per s

    def motion(self, time_s: Float[Tensor, "t"]) -> Float[Tensor, "t 4 4"]:
        """From the camera at a time to the camera at its place."""
        turns = self.turn_rad * torch.sin(self.turn_rate * time_s[:, None])
        pose = torch.eye(4).repeat(len(time_s), 1, 1)
        pose[:, :3, :3] = turn("x", turns[:, 0]) @ turn("y", turns[:, 1]) @ turn("z", turns[:, 2])
        pose[:, :3, 3] = self.sway_mm * torch.sin(self.sway_rate * time_s[:, None])
        return pose

    def magnification(self, time_s: Float[Tensor, "t"]) -> Float[Tensor, "t"]:
        """The focal length as a multiple of its smallest."""
        return 1 + self.zoom * (1 - torch.cos(self.zoom_rate * time_s)) / 2


def draw_path(generator: torch.Generator, zoom: bool) -> CameraPath:
    """A gentle path, and a zoom by 15 to 40 % if wanted."""
    draw = Draw(generator)
    return CameraPath(
        sway_mm=draw.within((-1.0, 1.0), 3) * torch.tensor([6.0, 6.0, 4.0]),
        sway_rate=draw.within((0.6, 1.5), 3),
        turn_rad=draw.within((-1.0, 1.0), 3) * math.radians(4.0),
        turn_rate=draw.within((0.6, 1.5), 3),
        zoom=draw.within((0.15, 0.4)) * zoom,
        zoom_rate=draw.within((0.8, 1.6)),
    )


def still(scene: Scene) -> Scene:
    """The scene with tissue and tools held where they are at time 0."""
    return scene._replace(
        surface=scene.surface._replace(
            breath_rate=torch.zeros_like(scene.surface.breath_rate),
            peristalsis=torch.zeros_like(scene.surface.peristalsis),
        ),
        tools=scene.tools._replace(travel_rate=torch.zeros_like(scene.tools.travel_rate)),
    )


def at_times(scene: Scene, path: CameraPath, time_s: Float[Tensor, "t"]) -> Scene:
    """One scene as a batch over time, its camera moved and zoomed."""
    scenes = repeated(scene, len(time_s))
    focal = scenes.endoscope.focal * path.magnification(time_s)
    return scenes._replace(
        endoscope=scenes.endoscope._replace(focal=focal),
        camera_to_world=scenes.camera_to_world @ path.motion(time_s),
    )


class SyntheticClip(Dataset[StereoBatch]):
    """A rendered clip: its frames in order, each with the left camera's pose and the time.

    Args:
        split: The split whose scene it shows, see `SyntheticPairs`.
        index: Which of the split's scenes.
        frames: How many frames.
        size: Height and width in pixels; None is the paper's, 256x320.
        frames_per_s: Frames per second.
        deforming: Whether the tissue breathes and the tools move.
        zoom: Whether the focal length changes over time, and with it every frame's rig.
        style: Another style than the split's own.
        seed: Another seed makes another set of scenes.
        endoscope: Seeds the endoscope, see `SyntheticPairs`.
        tools: Whether instruments may be in view.
        highlights: Whether wet tissue and metal shine.
        noise: Whether the sensors are noisy.
        cache: Whether to keep the rendered clip on disk.

    Raises:
        ConfigError: No such split, no frames, or a size that is too small.
        DataError: The cache folder cannot be written.
    """

    def __init__(
        self,
        split: str,
        index: int,
        frames: int,
        size: Sequence[int] | None = (128, 160),
        *,
        frames_per_s: float = 10.0,
        deforming: bool = True,
        zoom: bool = True,
        style: Style | None = None,
        seed: int = 0,
        endoscope: int | None = 0,
        tools: bool = True,
        highlights: bool = True,
        noise: bool = True,
        cache: bool = True,
    ) -> None:
        self.population = Population.of(split, style, seed, endoscope, tools)
        self.index, self.frames_per_s = index, frames_per_s
        require_number("frames", frames, 1, whole=True)
        self.frames, self.size = frames, rendered_size(size)
        self.highlights, self.noise = highlights, noise
        scene = self.population.scene(index)
        self.scene = scene if deforming else still(scene)
        self.path = draw_path(self.population.generator("path", index), zoom)
        content = {"clip": self.population, "highlights": highlights, "noise": noise}
        content |= {"index": index, "rate": frames_per_s, "deforming": deforming, "zoom": zoom}
        self._arrays = stored(self.render, self.frames, self.size, cache, **content)

    def __len__(self) -> int:
        return self.frames

    def __getitem__(self, frame: int) -> StereoBatch:
        frame = range(self.frames)[frame]
        key = f"synthetic/{self.population.split}/clip{self.index:04d}/{frame:06d}"
        return clip_sample(self._arrays, frame, key)

    def render(self, frames: Sequence[int]) -> Rendering:
        """Both views of some frames, with the right view's depth, normals and the rest."""
        time_s = torch.tensor(list(frames)) / self.frames_per_s
        grain = None
        if self.noise:
            grains = [self.population.grain(self.index, self.size, frame + 1) for frame in frames]
            grain = torch.stack(grains)
        scenes = at_times(self.scene, self.path, time_s)
        return render(scenes, self.size, time_s, grain=grain, highlights=self.highlights)
