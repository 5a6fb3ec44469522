"""A COLMAP model of known cameras, for gsplat, nerfstudio and whoever else reads one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from m3depth.priors.cloud import traced
from m3depth.priors.layouts.colmap.model import Picture, Pinhole, model_files, require_pycolmap
from m3depth.priors.layouts.frame import Frame, Meaning
from m3depth.priors.layouts.ply import CloudWriter
from m3depth.priors.records import Record
from m3depth.validation import require_switch

MODEL = "sparse/0"
PARTS = ("cameras", "frames", "images", "points3D", "rigs")  # of a model, as pycolmap writes it
MODEL_FILES = tuple(f"{part}.{kind}" for part in PARTS for kind in ("bin", "txt"))


@dataclass(eq=False)
class ColmapWriter(CloudWriter):
    """Writes images, masks and ``sparse/0``.

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
        ConfigError: ``text`` is a word, or pycolmap is not installed.
    """

    text: bool = field(default=False, kw_only=True)

    rounds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_switch("writer.text", self.text)
        super().__post_init__()
        require_pycolmap()  # now, not after an hour of frames

    def files(self, frame: Frame) -> Mapping[str, Any]:
        """Image, mask of the tools, points."""
        return {
            **super().files(frame),
            f"images/{frame.name}.png": frame.image,
            f"masks/{frame.name}.png.png": np.where(frame.use, 255, 0).astype(np.uint8),
        }

    def scene(self, written: list[Record], bounds_mm: tuple[float, float]) -> Mapping[str, Any]:
        """The model."""
        pictures = [_picture(record) for record in written]
        cloud, seen = traced([self.points(record["name"]) for record in written], self.voxel_mm)
        files = model_files(pictures, cloud, seen, self.text)
        return {f"{MODEL}/{name}": data for name, data in files.items()}

    def scene_names(self) -> tuple[str, ...]:
        """Either kind's: a model of others beside ours would be read in its place."""
        return (*super().scene_names(), *(f"{MODEL}/{name}" for name in MODEL_FILES))

    def meaning(self) -> Meaning:
        """Millimetres."""
        return Meaning(
            kind="depth along z",
            unit="mm",
            mask_polarity="255 = use; 0 = tool",
            pose_convention="world_to_camera, opencv",
        )


def _picture(record: Record) -> Picture:
    (fx, _, cx), (_, fy, cy), _ = record["camera"].get("K_exact", record["camera"]["K"])
    height, width = record["camera"]["size"]
    camera = Pinhole(height, width, fx, fy, cx, cy)
    return Picture(f"{record['name']}.png", camera, np.array(record["camera_to_world"]))
