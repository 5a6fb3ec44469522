"""The data set of pairs of which every scene is another world's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from m3depth.data.on_demand import OnDemand
from m3depth.data.synthetic.draw import Draw, joined, seeded
from m3depth.data.synthetic.rendering import Rendering
from m3depth.data.synthetic.samples import compact, rendered_size, sample, stored
from m3depth.data.synthetic.wide.rendering import render_wide
from m3depth.data.synthetic.wide.rigs import known_rig
from m3depth.data.synthetic.wide.scene import WideScene, draw_wide_scene
from m3depth.data.synthetic.wide.world import World, world_of
from m3depth.types import StereoBatch
from m3depth.types.camera import StereoRig
from m3depth.validation import require_number


class WidePairs(OnDemand):
    """Rendered pairs, each of an organ, lamps, a camera, lenses and tools of its own.

    A frame depends on the seed, the split, its index and the ranges, to the last bit: not on how
    many frames there are, nor on the number of workers or threads.

    Args:
        split: ``train``, ``val``, ``test``; or what is never trained on: the organs of
            ``test_style``, ``test_spleen``, ``test_gallbladder``, ``test_omentum``, the lamps of
            ``test_lamps``, the cameras of ``test_cameras``.
        count: How many pairs.
        size: Height and width in pixels; None is the paper's, 256x320.
        world: The ranges; None is `World`'s own.
        seed: Another seed makes another set of scenes.
        endoscope: Seeds the one rig of the data set (focal length and baseline, as of
            `SyntheticPairs`' endoscope of that seed); ``None`` draws a rig for each scene, so
            that only relative depth can be learned.
        highlights: Whether wet tissue and metal shine.
        noise: Whether lenses are smudged and sensors blur, are noisy, sharpen and code.
        kept: Whether all is rendered at the beginning, on all cores, and kept in memory; else a
            pair is rendered whenever it is asked for, by the loader's workers.
        cache: Whether to keep the kept pairs on disk, too.

    Raises:
        ConfigError: No such split, no frames, a size that is too small, or ranges that allow
            nothing but a held-out organ's colours.
        DataError: The cache folder cannot be written.
    """

    def __init__(
        self,
        split: str,
        count: int,
        size: Sequence[int] | None = (128, 160),
        *,
        world: World | None = None,
        seed: int = 0,
        endoscope: int | None = 0,
        highlights: bool = True,
        noise: bool = True,
        kept: bool = False,
        cache: bool = False,
    ) -> None:
        self.world = world_of(split, world or World())
        require_number("count", count, 1, whole=True)
        self.split, self.count, self.size = split, count, rendered_size(size)
        self.seed, self.endoscope = seed, endoscope
        self.highlights, self.noise, self.on_demand = highlights, noise, not kept
        self.world.organ.drawn(Draw(seeded("tried")))  # so that impossible ranges are told here
        content = {"wide": self.world, "split": split, "seed": seed, "endoscope": endoscope}
        content |= {"highlights": highlights, "noise": noise}
        self._arrays = stored(self.render, count, self.size, cache, **content) if kept else None

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> StereoBatch:
        index = range(self.count)[index]
        key = f"synthetic_wide/{self.split}/{index:06d}"
        if self._arrays is not None:
            return sample(self._arrays, index, key)
        return sample(compact(self.render([index])), 0, key)

    def render(self, indices: Sequence[int]) -> Rendering:
        """Both views of some frames, with the right view's depth, normals and the rest."""
        return joined([self._rendered(index) for index in indices])

    def scene(self, index: int) -> WideScene:
        """The scene of an index."""
        one = None if self.endoscope is None else seeded("endoscope", self.endoscope)
        return draw_wide_scene(self.world, lambda purpose: self._generator(purpose, index), one)

    def rig(self, index: int) -> StereoRig:
        """The rig that sees the scene of an index."""
        if self.endoscope is None:
            return self.world.rig.drawn(Draw(self._generator("rig", index)), self.size)
        return known_rig(Draw(seeded("endoscope", self.endoscope)), self.size)

    def _rendered(self, index: int) -> Rendering:
        # One by one on one thread: how a sum or a sine is rounded depends on both.
        with _one_thread():
            grain = torch.randn(2, 4, *self.size, generator=self._generator("grain", index))
            scene, rig = self.scene(index), self.rig(index)
            own_grain = grain if self.noise else None
            return render_wide(scene, rig, self.size, own_grain, self.highlights)

    def _generator(self, purpose: str, index: int) -> torch.Generator:
        return seeded("wide", purpose, self.seed, self.split, index)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
