"""What nerfstudio and dn-splatter read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from m3depth.geometry.poses import opengl
from m3depth.priors.cloud import ColouredPoints, ply
from m3depth.priors.layouts.frame import DepthMeta, Map, Mask, SceneFrame
from m3depth.priors.layouts.points import PointsLayout
from m3depth.priors.layouts.stated import DEPTH
from m3depth.priors.layouts.written import WrittenScene
from m3depth.priors.records import Record
from m3depth.validation import require_switch

CLOUD, TRANSFORMS = "points3D.ply", "transforms.json"
CORNER = 0.5  # of a pixel whose centre is at 0 here, and at 0.5 in the file
METRE_MM = 1000.0
PNG_LARGEST = 65535
STILL = (
    "nerfstudio centres and scales the poses by default, and a camera that stands still would be "
    "divided by zero: pass nerfstudio-data --auto-scale-poses False --center-method none "
    "--orientation-method none"
)


@dataclass
class NerfstudioLayout(PointsLayout):
    """``transforms.json`` and what it names.

    Layout::

        images/000000.png
        depths/000000.npy        z in millimetres, float32 (or .png, 16 bit); 0 = unknown
        masks/000000.png         255 = use, 0 = tool
        points3D.ply             the points of all frames, in metres
        transforms.json          per frame K (+ 0.5), pose (OpenGL, metres) and files

    Depth is in millimetres and poses in metres, as the reader's ``depth_unit_scale_factor`` of
    1e-3 has it.

    Args:
        png: Depth as 16-bit pictures of whole millimetres.

    Raises:
        ConfigError: an option is out of range.
    """

    png: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        require_switch("writer.png", self.png)
        self.rounds = self.png
        super().__post_init__()

    def holds(self, depth_mm: Map) -> Mask:
        """All of it, or what a picture can count."""
        whole_mm = np.rint(depth_mm)
        return (whole_mm > 0) & (whole_mm <= PNG_LARGEST) if self.png else depth_mm > 0

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """Image, depth where it may be relied on, mask of the tools, points."""
        depth_mm = np.where(frame.known, frame.depth_mm, 0).astype(np.float32)
        return {
            **super().files(frame),
            f"images/{frame.name}.png": frame.image,
            f"masks/{frame.name}.png": np.where(frame.use, 255, 0).astype(np.uint8),
            self._depth(frame.name): np.rint(depth_mm).astype(np.uint16) if self.png else depth_mm,
        }

    def scene(self, scene: WrittenScene) -> Mapping[str, Any]:
        """Transforms and points."""
        points_mm, colours = self.points_of_all(scene)
        transforms = {
            "camera_model": "PINHOLE",
            "ply_file_path": CLOUD,
            "frames": [self._entry(record) for record in scene.records],
        }
        points = ply(ColouredPoints(points_mm / METRE_MM, colours))
        return {CLOUD: points, TRANSFORMS: transforms}

    def scene_names(self) -> tuple[str, ...]:
        """See `Layout`."""
        return (CLOUD, TRANSFORMS)

    def meta(self) -> DepthMeta:
        """Millimetres beside metres."""
        return DepthMeta(
            kind=DEPTH,
            unit="m",
            unit_mm=METRE_MM,
            scale=1 / METRE_MM,
            mask_polarity="255 = use; 0 = tool",
            pose_convention="camera_to_world, opengl",
            notes=("pass depth_unit_scale_factor 0.001, the default", STILL),
        )

    def _depth(self, name: str) -> str:
        return f"depths/{name}.png" if self.png else f"depths/{name}.npy"

    def _entry(self, record: Record) -> Record:
        name, camera = record["name"], record["camera"]
        pose = torch.eye(4, dtype=torch.float64)
        pose[:3] = opengl().from_opencv(
            torch.tensor(record["camera_to_world"], dtype=torch.float64)
        )
        pose[:3, 3] /= METRE_MM
        (fx, _, cx), (_, fy, cy), _ = camera["K"]
        height, width = camera["size"]
        return {
            "file_path": f"images/{name}.png",
            "depth_file_path": self._depth(name),
            "mask_path": f"masks/{name}.png",
            "transform_matrix": pose.tolist(),
            **{"fl_x": fx, "fl_y": fy, "cx": cx + CORNER, "cy": cy + CORNER},
            **{"w": width, "h": height},
        }
