"""A source whose depth is brought to millimetres by anchors."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from m3depth.anchors.fit import AnchoredFit
from m3depth.anchors.in_frames import inverse_depth
from m3depth.geometry.confidence import MEAN_OF_NORMAL
from m3depth.sources.source import NoDepthError, Source
from m3depth.types import DepthMap, Kind, StereoBatch


class AnchoredSource(Source):
    """Inverse depth in 1/mm from another source's, which may be relative.

    Its expected error is the other source's and that of the fit together: they add up as squares.

    Args:
        source: Gives the relative depth.
        fits: By frame; the one called "" is for all others.
        by: What the anchors are, for records.
    """

    def __init__(self, source: Source, fits: Mapping[str, AnchoredFit], by: str) -> None:
        self.source, self.fits = source, fits
        self.by = by
        self.model = f"{source.model}, millimetres by {by}"
        self.checkpoint_sha256, self.batch_size = source.checkpoint_sha256, source.batch_size
        self.size, self.needs, self.trained_on = source.size, source.needs, source.trained_on

    def record(self) -> dict[str, Any]:
        """Where the millimetres are from, and how sure they are, by frame."""
        return {
            "from": self.by,
            **{key or "all frames": one.record() for key, one in self.fits.items()},
        }

    def ahead(self, sample: StereoBatch) -> StereoBatch:
        """As the other source has it."""
        return self.source.ahead(sample)

    def __call__(self, samples: Sequence[StereoBatch]) -> list[DepthMap]:
        """Find, and scale.

        Raises:
            NoDepthError: nothing is known of a frame.
        """
        fits = [self._fit(str(sample["key"])) for sample in samples]
        return [_metric(*pair) for pair in zip(self.source(samples), fits, strict=True)]

    def _fit(self, key: str) -> AnchoredFit:
        found = self.fits.get(key, self.fits.get(""))
        if found is None:
            raise NoDepthError(f"{key}: has no anchor of its own, so no millimetres")
        return found


def _metric(found: DepthMap, fit: AnchoredFit) -> DepthMap:
    relative = inverse_depth(found)
    values = fit.line(relative.values)
    own = 0.0 if relative.error is None else fit.line.scale * relative.error
    error = torch.hypot(fit.line.deviation(relative.values) * MEAN_OF_NORMAL, own + 0 * values)
    known = values > 0 if relative.known is None else relative.known & (values > 0)
    return DepthMap(values, Kind.INVERSE_DEPTH, camera=found.camera, error=error, known=known)
