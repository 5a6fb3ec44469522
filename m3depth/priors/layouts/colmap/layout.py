"""A COLMAP model of known cameras, for gsplat, nerfstudio and others that read one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from m3depth.priors.cloud import traced
from m3depth.priors.layouts.colmap.model import model_files, require_pycolmap
from m3depth.priors.layouts.frame import DepthMeta, SceneFrame
from m3depth.priors.layouts.points import PointsLayout
from m3depth.priors.layouts.stated import DEPTH
from m3depth.priors.layouts.written import WrittenScene
from m3depth.validation import require_switch

MODEL = "sparse/0"
PARTS = ("cameras", "frames", "images", "points3D", "rigs")  # of a model, as pycolmap writes it
MODEL_FILES = tuple(f"{MODEL}/{part}.{kind}" for part in PARTS for kind in ("bin", "txt"))


@dataclass
class ColmapLayout(PointsLayout):
    """Images, masks and ``sparse/0``.

    Layout::

        images/000000.png
        masks/000000.png.png     255 = use, 0 = tool: named as COLMAP wants masks
        sparse/0/                cameras (PINHOLE, + 0.5), images, points3D; .bin or .txt
        depth_float/000000.npy   the depth itself, which a COLMAP model has no place for

    Poses and points are in millimetres. The points are those of all frames; each one's track are
    the frames that it comes from, so that readers find the points that an image sees.

    Args:
        text: The model as .txt.

    Raises:
        ConfigError: an option is out of range, or pycolmap is not installed.
    """

    text: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        require_switch("writer.text", self.text)
        super().__post_init__()
        require_pycolmap()  # now, not after an hour of frames

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """Image, mask of the tools, points."""
        return {
            **super().files(frame),
            f"images/{frame.name}.png": frame.image,
            f"masks/{frame.name}.png.png": np.where(frame.use, 255, 0).astype(np.uint8),
        }

    def scene(self, scene: WrittenScene) -> Mapping[str, Any]:
        """The model."""
        points, seen = traced(self.points_of_each(scene), self.voxel_mm)
        files = model_files(scene.records, points, seen, self.text)
        return {f"{MODEL}/{name}": data for name, data in files.items()}

    def scene_names(self) -> tuple[str, ...]:
        """Either kind's: a model of others beside ours would be read in its place."""
        return MODEL_FILES

    def meta(self) -> DepthMeta:
        """Millimetres."""
        return DepthMeta(
            kind=DEPTH,
            unit="mm",
            mask_polarity="255 = use; 0 = tool",
            pose_convention="world_to_camera, opencv",
        )
