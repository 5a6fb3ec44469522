"""A source whose maps are kept on disk, so that each frame costs a network's pass once."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from m3depth.geometry.resizing import size_of
from m3depth.io.array_cache import Arrays, cache_folder, cached
from m3depth.sources.source import Source
from m3depth.types import DepthMap, Kind, Scale, StereoBatch


class KeptSource(Source):
    """Another source's depth, without its expected error, from the cache folder where it is there.

    A map is found by what the source is (name, checkpoint, size) and by the frame's images and rig.

    Args:
        source: Gives the depth of frames that are new.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.model, self.checkpoint_sha256 = source.model, source.checkpoint_sha256
        self.size, self.needs, self.trained_on = source.size, source.needs, source.trained_on

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        """Read the maps, or have them made; errors are the source's, or `cached`'s."""
        return [self._kept(sample) for sample in samples]

    def _kept(self, sample: StereoBatch) -> DepthMap:
        path = cache_folder() / "depth" / f"{self._digest(sample)}.npz"
        arrays = cached(path, lambda: _arrays(self.source([sample])[0]))
        values, known = (torch.from_numpy(arrays[name]) for name in ("values", "known"))
        kind, scale = Kind(str(arrays["kind"])), Scale(str(arrays["scale"]))
        found = DepthMap(values, kind, scale, known=known)
        if "rig" not in sample:
            return found
        return found.seen_by(sample["rig"].resized(size_of(sample["left"]), found.size))

    def _digest(self, sample: StereoBatch) -> str:
        digest = hashlib.sha256(repr((self.model, self.checkpoint_sha256, self.size)).encode())
        images = [sample["left"], *([sample["right"]] if "right" in self.needs else [])]
        rig = [torch.stack(sample["rig"])] if "rig" in sample else []
        for tensor in (*images, *rig):
            digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()[:32]


def _arrays(found: DepthMap) -> Arrays:
    depth = found.on("cpu")
    known = torch.ones_like(depth.values) > 0 if depth.known is None else depth.known
    return {
        "values": depth.values.numpy(),
        "known": known.numpy(),
        "kind": np.array(depth.kind.value),
        "scale": np.array(depth.scale.value),
    }
