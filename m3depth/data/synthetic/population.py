"""The scenes of a split, each drawn from a seed of its own."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.data.synthetic.draw import seeded
from m3depth.data.synthetic.styles import GALLBLADDER, LIVER, OMENTUM, PELVIS, SPLEEN, Style
from m3depth.data.synthetic.tissue_scene import Scene, draw_scene
from m3depth.errors import ConfigError

SPLITS = {
    "train": PELVIS,
    "val": PELVIS,
    "test": PELVIS,
    "test_style": LIVER,
    "test_spleen": SPLEEN,
    "test_gallbladder": GALLBLADDER,
    "test_omentum": OMENTUM,
}
"""Each split's style; its name seeds its scenes, so that no two splits share one."""


@dataclass(frozen=True)
class Population:
    """The scenes of a split: a scene depends on these settings and its index, on nothing else."""

    split: str
    style: Style
    seed: int
    endoscope: int | None  # None: another endoscope for each scene
    tools: bool

    @classmethod
    def of(
        cls, split: str, style: Style | None, seed: int, endoscope: int | None, tools: bool
    ) -> "Population":
        """The population of a split, in its own style or another; a `ConfigError` of no split."""
        if split not in SPLITS:
            raise ConfigError(f"split={split} is none of {', '.join(SPLITS)}")
        return cls(split, style or SPLITS[split], seed, endoscope, tools)

    def scene(self, index: int) -> Scene:
        """The scene of an index."""
        generator = self.generator("scene", index)
        return draw_scene(generator, self._endoscope(index), self.style, self.tools)

    def grain(self, index: int, size: tuple[int, int], frame: int = 0) -> Float[Tensor, "2 3 h w"]:
        """Unit normal noise for the two sensors."""
        return torch.randn(2, 3, *size, generator=self.generator("grain", index, frame))

    def generator(self, purpose: str, *parts: int) -> torch.Generator:
        """Random numbers for a purpose within this population."""
        return seeded(purpose, self.seed, self.style, self.split, *parts)

    def _endoscope(self, index: int) -> torch.Generator:
        if self.endoscope is None:
            return self.generator("endoscope", index)
        # Whatever the split and the seed: one image cannot tell a baseline.
        return seeded("endoscope", self.endoscope)
