"""Other ways to make detail of a tile, each in place of `Tiled._detail`."""

import torch
from torch import Tensor

from m3depth.networks.tiled import Tiled, _centred


def all_of_it(tiled: Tiled, tile: Tensor, whole: Tensor) -> Tensor:
    """All fine detail wherever tile and whole correlate at all, not by as much as they do."""
    (tile, spread), (whole, whole_spread) = _centred(tile), _centred(whole)
    agree = (tile * whole).mean((-2, -1), keepdim=True) > 0
    return agree * tiled._fine(tile * whole_spread / spread - whole)


def every_scale(_: Tiled, tile: Tensor, whole: Tensor) -> Tensor:
    """The tile, fitted to the whole by least squares, in its place; the first design."""
    (tile, spread), (whole, _) = _centred(tile), _centred(whole)
    slope = (tile * whole).mean((-2, -1), keepdim=True) / spread**2
    return torch.where(slope > 0, slope * tile - whole, 0.0)


def nothing(tiled: Tiled, _: Tensor, whole: Tensor) -> Tensor:
    """A control that looks at no tile: the whole only loses what tiles would replace."""
    return -tiled._fine(whole)
