"""The layout of EndoNeRF, EndoGaussian, Deform3DGS, SurgicalGS and gsplat's G-SHARP."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from m3depth.errors import ConfigError
from m3depth.priors.layouts.frame import DepthMeta, Map, Mask, SceneFrame
from m3depth.priors.layouts.masks import TISSUE_IS_WHITE, Polarity
from m3depth.priors.layouts.poses_bounds.layout import PosesBoundsLayout
from m3depth.priors.records import Record

STEREO = "stereo_"  # in the path, by which Deform3DGS knows its variant
NDC = (
    "EndoNeRF: NDC rays, its default, are for a camera that stands still, which is the identity "
    "here; set no_ndc = True in its configuration for one that moves"
)


@dataclass
class EndoNeRFLayout(PosesBoundsLayout):
    """Adds ``depth/000000.png``: z in millimetres, 0 = unknown.

    Args:
        depth_bits: 16, or 8 for readers that cannot do more (depth beyond 255 mm is excluded).

    Raises:
        ConfigError: an option is out of range.
    """

    depth_bits: int = 16

    def __post_init__(self) -> None:
        if self.depth_bits not in (8, 16):
            raise ConfigError(f"writer.depth_bits={self.depth_bits}: a PNG holds 8 or 16")
        super().__post_init__()

    def meta(self) -> DepthMeta:
        """And what EndoNeRF's own option is for, where it reads the scene."""
        notes = (NDC,) if any(reader.ndc for reader in self.readers) else ()
        return replace(super().meta(), notes=notes)

    def holds(self, depth_mm: Map) -> Mask:
        """Whole millimetres, from 1 to what the bits can count."""
        whole_mm = np.rint(depth_mm)
        held: Mask = (whole_mm > 0) & (whole_mm < 2**self.depth_bits)
        return held

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """And the depth; under tools too, where there is one."""
        whole_mm = np.where(self.holds(frame.depth_mm), np.rint(frame.depth_mm), 0)
        depth = whole_mm.astype(f"uint{self.depth_bits}")
        return {**super().files(frame), f"depth/{frame.name}.png": depth}


@dataclass
class EndoNeRFStereoLayout(EndoNeRFLayout):
    """The variant that Deform3DGS reads from paths that hold ``stereo_``.

    Masks are the other way round (255 = tissue), and beside the poses stands (cy, cx, f). The
    reader itself takes (cx, cy) to be (320, 256) of 640 x 512, whatever is written there.
    """

    masks: ClassVar[Polarity] = TISSUE_IS_WHITE

    def misplaced(self, folder: Path) -> str:
        """See `Layout`."""
        if STEREO in folder.resolve().name:
            return ""
        return (
            f"Deform3DGS knows this layout by `{STEREO}` in its path; set output=DIR/{STEREO}NAME"
        )

    def column(self, camera: Record) -> list[float]:
        """Principal point and focal length."""
        (_, _, cx), (_, _, cy), _ = camera["K"]
        return [cy, cx, camera["focal_px"]]
