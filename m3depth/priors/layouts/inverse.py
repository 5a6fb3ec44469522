"""Inverse depth in whole numbers."""

from typing import NamedTuple

import numpy as np

from m3depth.priors.layouts.frame import Map, Mask


class InverseDepth(NamedTuple):
    """A code of ``one / z`` in steps: at depth z one step is z² / (one near_mm).

    Attributes:
        near_mm: The depth that is ``one``, the nearest that can be told.
        one: The number that the reader divides by.
        largest: The largest that a file holds.
    """

    near_mm: float
    one: int
    largest: int

    def steps(self, depth_mm: Map) -> Map:
        """The nearest whole number; 0 where the depth is not known."""
        safe_mm = np.where(depth_mm > 0, depth_mm, np.inf)
        return np.rint(self.one * self.near_mm / safe_mm).astype(np.float32)

    def holds(self, depth_mm: Map) -> Mask:
        """From the nearest depth to the last step."""
        steps = self.steps(depth_mm)
        return (steps >= 1) & (steps <= self.largest)
