"""What a network must not be taken at its word for: numbers that are none, and no relief at all."""

import logging

import torch

from m3depth.sources.source import NoDepthError
from m3depth.types import DepthMap

FLAT = 1e-5  # a spread, as a share of the largest value, that is rounding

logger = logging.getLogger(__name__)


class Sensible:
    """Looks at the map of each frame; a warning names the first that is flat."""

    def __init__(self) -> None:
        self._told = False

    def __call__(self, found: DepthMap, key: str) -> DepthMap:
        """The same map.

        Raises:
            NoDepthError: NaN or infinity in it.
        """
        low, high = found.values.aminmax()
        if not (high - low).isfinite():
            raise NoDepthError(
                f"{key}: the network's {found.kind} is not finite: are its weights damaged, or has "
                "precision= too few digits for it?"
            )
        if not self._told and high - low <= FLAT * torch.maximum(high.abs(), low.abs()):
            self._told = True
            logger.warning(
                "%s: the same depth everywhere (the first such frame): has the network learned "
                "anything, and are its weights its own?",
                key,
            )
        return found
