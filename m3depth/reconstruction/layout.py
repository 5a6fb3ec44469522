"""The scene's layout: our own archives, which say where their unit is open."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from m3depth.io.depth_meaning import Meaning
from m3depth.priors.layouts.frame import DepthMeta, SceneFrame
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.types import Kind, Scale

NOTE = (
    "depth, translations and points are known up to one factor, the same for all of the scene: "
    "where it says millimetres, read units"
)


@dataclass
class ReconstructedLayout(NpzLayout):
    """`NpzLayout`, with frames and metadata that say what is known of the scale.

    Args:
        metric: Whether the unit is the millimetre.
    """

    metric: bool = field(default=True, kw_only=True)

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """See `NpzLayout`."""
        words = {} if self.metric else Meaning(Kind.DEPTH, Scale.UP_TO_SCALE).text()
        return {name: {**one, **words} for name, one in super().files(frame).items()}

    def meta(self) -> DepthMeta:
        """See `NpzLayout`."""
        meta = replace(super().meta(), world="of the first camera")
        if self.metric:
            return meta
        return replace(meta, depth_scale=Scale.UP_TO_SCALE.value, unit="none", notes=(NOTE,))

    @property
    def writer(self) -> str:
        """Its files are read as `NpzLayout`'s."""
        return "NpzWriter"
