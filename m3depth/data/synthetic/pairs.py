"""The data set of rendered stereo pairs."""

from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from m3depth.data.synthetic.draw import stacked
from m3depth.data.synthetic.population import Population
from m3depth.data.synthetic.rendering import Rendering, render
from m3depth.data.synthetic.samples import (
    rendered_size,
    sample,
    stored,
)
from m3depth.data.synthetic.styles import Style
from m3depth.types import StereoBatch
from m3depth.validation import require_number


class SyntheticPairs(Dataset[StereoBatch]):
    """Rendered pairs of a split, kept in memory and cached on disk.

    A frame depends on the seed, the style, the split and its index (and on the switches), never
    on how many frames there are.

    Args:
        split: ``train``, ``val``, ``test``; or in a style not trained on ``test_style``,
            ``test_spleen``, ``test_gallbladder``, ``test_omentum``.
        count: How many pairs.
        size: Height and width in pixels; None is the paper's, 256x320.
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
        size: Sequence[int] | None = (128, 160),
        *,
        style: Style | None = None,
        seed: int = 0,
        endoscope: int | None = 0,
        tools: bool = True,
        highlights: bool = True,
        noise: bool = True,
        cache: bool = True,
    ) -> None:
        self.population = Population.of(split, style, seed, endoscope, tools)
        require_number("count", count, 1, whole=True)
        self.count, self.size = count, rendered_size(size)
        self.highlights, self.noise = highlights, noise
        content = {"pairs": self.population, "highlights": highlights, "noise": noise}
        self._arrays = stored(self.render, self.count, self.size, cache, **content)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> StereoBatch:
        index = range(self.count)[index]
        return sample(self._arrays, index, f"synthetic/{self.population.split}/{index:06d}")

    def render(self, indices: Sequence[int]) -> Rendering:
        """Both views of some frames, with the right view's depth, normals and the rest."""
        scenes = stacked([self.population.scene(i) for i in indices])
        grain = (
            torch.stack([self.population.grain(i, self.size) for i in indices])
            if self.noise
            else None
        )
        return render(scenes, self.size, grain=grain, highlights=self.highlights)
