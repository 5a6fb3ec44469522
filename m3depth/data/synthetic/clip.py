"""Clips: a camera that moves and zooms over tissue that breathes."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import ConcatDataset, Dataset

from m3depth.data.synthetic.draw import repeated
from m3depth.data.synthetic.paths import CameraPath, DrawPath, Gentle
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
    focal = scenes.endoscope.focal * path.zoom(time_s)
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
        path: How the camera moves; None is a gentle sway, with ``zoom`` if wanted.
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
        path: DrawPath | None = None,
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
        how = path or Gentle(zoom)
        self.path = how(self.population.generator("path", index), (frames - 1) / frames_per_s)
        content = {"clip": self.population, "highlights": highlights, "noise": noise}
        content |= {"index": index, "rate": frames_per_s, "deforming": deforming, "path": how}
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


class SyntheticClips(ConcatDataset[StereoBatch]):
    """The frames of several clips in order, each clip of a scene of its own."""

    def __init__(self, split: str, clips: int, frames: int, **more: Any) -> None:
        """Render them, or read them from the cache.

        Args:
            split: See `SyntheticClip`.
            clips: How many.
            frames: Of each.
            more: See `SyntheticClip`.

        Raises:
            ConfigError: See `SyntheticClip`; or no clips.
        """
        require_number("clips", clips, 1, whole=True)
        super().__init__([SyntheticClip(split, i, frames, **more) for i in range(clips)])
