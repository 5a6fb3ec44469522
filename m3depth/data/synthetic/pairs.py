"""The data set of rendered stereo pairs."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import Dataset

from m3depth.data.synthetic.cache import Arrays, cached, content_path
from m3depth.data.synthetic.rendering import Rendering, render
from m3depth.data.synthetic.scene import (
    Endoscope,
    Scene,
    draw_endoscope,
    draw_scene,
    seeded,
    stacked,
)
from m3depth.data.synthetic.styles import LIVER, PELVIS, Style
from m3depth.errors import ConfigError
from m3depth.geometry.camera import StereoRig
from m3depth.types import StereoBatch

SPLITS = {"train": PELVIS, "val": PELVIS, "test": PELVIS, "test_style": LIVER}
"""Each split's style; its name seeds its scenes, so that no two splits share one."""

PIXELS_AT_ONCE = 1 << 17  # per view; enough to keep the cores busy, few enough for their caches


class SyntheticSample(StereoBatch):
    """A rendered pair, or a batch of them, with what only a rendered pair knows."""

    occluded: Bool[Tensor, "*b 1 h w"]  # the right view does not show this point
    tool: Bool[Tensor, "*b 1 h w"]  # this pixel shows an instrument


class SyntheticPairs(Dataset[SyntheticSample]):
    """Rendered pairs of a split, kept in memory and cached on disk.

    A frame depends on the seed, the style, the split and its index (and on the switches), never
    on how many frames there are.

    Args:
        split: ``train``, ``val``, ``test``, or ``test_style`` in a style not trained on.
        count: How many pairs.
        size: Height and width in pixels.
        style: Another style than the split's own.
        seed: Another seed makes another set of scenes.
        endoscope: Seeds the one endoscope of the data set, whatever the split (one image cannot
            tell a baseline); ``None`` draws an endoscope for each scene.
        tools: Whether instruments may be in view.
        highlights: Whether wet tissue and metal shine.
        noise: Whether the sensors are noisy.
        cache: Whether to keep the rendered pairs on disk.

    Raises:
        ConfigError: No such split, no frames, or a size that is too small.
        DataError: The cache folder cannot be written.
    """

    def __init__(
        self,
        split: str,
        count: int,
        size: Sequence[int] = (128, 160),
        *,
        style: Style | None = None,
        seed: int = 0,
        endoscope: int | None = 0,
        tools: bool = True,
        highlights: bool = True,
        noise: bool = True,
        cache: bool = True,
    ) -> None:
        if split not in SPLITS:
            raise ConfigError(f"split={split} is none of {', '.join(SPLITS)}")
        if count < 1:
            raise ConfigError(f"count={count} for split={split}: at least one pair is needed")
        if len(size) != 2 or min(size) < 16:
            raise ConfigError(f"size={list(size)}: give [height, width], each at least 16")
        self.split, self.count, self.seed = split, count, seed
        self.size = (int(size[0]), int(size[1]))
        self.style = style or SPLITS[split]
        self.endoscope, self.tools, self.highlights, self.noise = (
            endoscope,
            tools,
            highlights,
            noise,
        )
        content = vars(self).copy()
        self._arrays = cached(content_path(**content), self._render) if cache else self._render()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> SyntheticSample:
        if not -self.count <= index < self.count:
            raise IndexError(f"frame {index} of {self.count}")
        frame = {name: torch.from_numpy(np.array(a[index])) for name, a in self._arrays.items()}
        return SyntheticSample(
            left=frame["left"].float() / 255,
            right=frame["right"].float() / 255,
            rig=StereoRig(*frame["rig"].unbind()),
            key=f"synthetic/{self.split}/{index % self.count:06d}",
            depth_mm=frame["depth_mm"],
            occluded=frame["occluded"],
            tool=frame["tool"],
        )

    def scene(self, index: int) -> Scene:
        """The scene of a frame, to render it with more than a sample holds."""
        generator = self._generator("scene", index)
        return draw_scene(generator, self.style, self._endoscope(index), self.tools)

    def grain(self, index: int) -> Float[Tensor, "2 3 h w"]:
        """Unit noise for both sensors of a frame."""
        return torch.randn(2, 3, *self.size, generator=self._generator("grain", index))

    def _generator(self, purpose: str, index: int) -> torch.Generator:
        return seeded(purpose, self.seed, self.style, self.split, index)

    def _endoscope(self, index: int) -> Endoscope:
        if self.endoscope is None:
            return draw_endoscope(self._generator("endoscope", index))
        return draw_endoscope(seeded("endoscope", self.endoscope))

    def _render(self) -> Arrays:
        from rich.progress import track

        at_once = max(1, PIXELS_AT_ONCE // (self.size[0] * self.size[1]))
        batches = range(0, self.count, at_once)
        shown = track(batches, f"rendering {self.count} pairs ({self.split})", transient=True)
        parts = [_compact(self._batch(range(i, min(i + at_once, self.count)))) for i in shown]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _batch(self, indices: range) -> Rendering:
        scenes = stacked([self.scene(i) for i in indices])
        grain = torch.stack([self.grain(i) for i in indices]) if self.noise else None
        return render(scenes, self.size, grain=grain, highlights=self.highlights)


def _compact(rendering: Rendering) -> Arrays:
    left, right = ((view * 255).round().byte() for view in rendering.image)
    return {
        "left": left.numpy(),
        "right": right.numpy(),
        "depth_mm": rendering.depth_mm.left.numpy(),
        "occluded": rendering.occluded.left.numpy(),
        "tool": rendering.tool.left.numpy(),
        "rig": torch.stack(rendering.rig, dim=-1).numpy(),
    }
