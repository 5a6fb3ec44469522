"""The layout of EndoNeRF, EndoGaussian, Deform3DGS, SurgicalGS and gsplat's G-SHARP."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from m3depth.errors import ConfigError
from m3depth.priors.layouts.frame import Frame, Map, Mask, Meaning
from m3depth.priors.layouts.poses_bounds.layout import CentredWriter
from m3depth.priors.records import Record

NDC = (
    "EndoNeRF: NDC rays, its default, are for a camera that stands still, which is the identity "
    "here; set no_ndc = True in its configuration for one that moves"
)


@dataclass(eq=False)
class EndoNeRFWriter(CentredWriter):
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

    def meaning(self) -> Meaning:
        """And what EndoNeRF's own option is for, where it reads the scene."""
        notes = (NDC,) if any(reader.ndc for reader in self.readers) else ()
        return replace(super().meaning(), notes=notes)

    def holds(self, depth_mm: Map) -> Mask:
        """Whole millimetres, from 1 to what the bits can count."""
        whole_mm = np.rint(depth_mm)
        held: Mask = (whole_mm > 0) & (whole_mm < 2**self.depth_bits)
        return held

    def files(self, frame: Frame) -> Mapping[str, Any]:
        """And the depth; under tools too, where there is one."""
        whole_mm = np.where(self.holds(frame.depth_mm), np.rint(frame.depth_mm), 0)
        depth = whole_mm.astype(f"uint{self.depth_bits}")
        return {**super().files(frame), f"depth/{frame.name}.png": depth}


@dataclass(eq=False)
class EndoNeRFStereoWriter(EndoNeRFWriter):
    """The variant that Deform3DGS reads from paths that hold ``stereo_``.

    Masks are the other way round (255 = tissue), and beside the poses stands (cy, cx, f). The
    reader itself takes (cx, cy) to be (320, 256) of 640 x 512, whatever is written there.

    Raises:
        ConfigError: the folder's name does not hold ``stereo_``.
    """

    excluded: ClassVar[int] = 0
    used: ClassVar[int] = 255

    def __post_init__(self) -> None:
        super().__post_init__()
        if "stereo_" not in self.folder.resolve().name:
            raise ConfigError(
                f"{self.folder}: Deform3DGS knows this layout by `stereo_` in its path; set "
                "output=DIR/stereo_NAME"
            )

    @property
    def mask_polarity(self) -> str:
        """For the metadata."""
        return f"{self.used} = use; 0 = exclude: tool, unknown depth, low confidence"

    def column(self, camera: Record) -> list[float]:
        """Principal point and focal length."""
        (_, _, cx), (_, _, cy), _ = camera["K"]
        return [cy, cx, camera["focal_px"]]
