"""What a depth label says, whether it is metric or not."""

from collections.abc import Callable
from typing import NamedTuple, Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from m3depth.types.depth_map import DepthMap, Kind, Scale


class DepthLabel(NamedTuple):
    """Inverse depth of the left view of one sample (``*b`` empty) or a batch of them.

    In a batch each sample says for itself how much is known of its scale, so metric depth, depth up
    to scale (structure from motion) and disparity of an unknown rig can be learned from together.
    """

    inverse_depth: Float[Tensor, "*b 1 h w"]  # along z; 1/mm where metric, else in any unit
    known: Bool[Tensor, "*b 1 h w"]
    metric: Bool[Tensor, "*b"]
    shifted: Bool[Tensor, "*b"]  # a constant is missing: the numbers have no depth

    @classmethod
    def of(cls, depth: DepthMap) -> Self:
        """What maps of one kind and scale say; a metric disparity needs its camera.

        Raises:
            DataError: a disparity is called metric, and there is no rig to make depth of it.
        """
        relative = (depth.to(Kind.DEPTH) if depth.scale is Scale.METRIC else depth).relative()
        known = relative.values.isfinite()
        if depth.kind is Kind.DEPTH or depth.scale is not Scale.UP_TO_SCALE_AND_SHIFT:
            known = known & (relative.values > 0)
        if relative.known is not None:
            known = known & relative.known
        each = torch.ones(len(known), dtype=torch.bool, device=known.device)
        metric = each & (depth.scale is Scale.METRIC)
        shifted = each & (depth.scale is Scale.UP_TO_SCALE_AND_SHIFT)
        return cls(torch.where(known, relative.values, 0.0), known, metric, shifted)

    @property
    def depth(self) -> Float[Tensor, "*b 1 h w"]:
        """Along z, in mm where metric; 0 where it is not known, or has none."""
        has_depth = self.known & (self.inverse_depth > 0) & ~self.shifted[..., None, None, None]
        return torch.where(has_depth, 1 / torch.where(has_depth, self.inverse_depth, 1.0), 0.0)

    def resized(self, size: tuple[int, int]) -> Self:
        """A batch at another (height, width), by the nearest pixels, so that none is made up."""
        return self.changed(lambda maps: functional.interpolate(maps, size, mode="nearest-exact"))

    def changed(self, change: Callable[[Tensor], Tensor]) -> Self:
        """With both maps changed alike, such as cropped; ``change`` gets them as numbers."""
        known = change(self.known.to(self.inverse_depth)) > 0.5
        return self._replace(inverse_depth=change(self.inverse_depth), known=known)

    def sample(self) -> Self:
        """The only one of a batch, without the batch's dimension."""
        return type(self)(*(one.squeeze(0) for one in self))
