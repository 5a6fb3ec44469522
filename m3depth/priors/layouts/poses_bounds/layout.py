"""Scenes of one camera whose readers take the principal point to be the middle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import DataError
from m3depth.geometry.poses import PoseConvention
from m3depth.priors.layouts.frame import Frame, Meaning
from m3depth.priors.layouts.habits import half
from m3depth.priors.layouts.needs import Poses
from m3depth.priors.layouts.writer import SceneWriter
from m3depth.priors.prior import DepthPrior
from m3depth.priors.recentre import recentred, recentred_at
from m3depth.priors.records import Record
from m3depth.validation import require_size

POSES = "poses_bounds.npy"
FIRST_CAMERA = "the first camera's, in the axes of the poses"
SQUARE_TOLERANCE = 0.005  # of fx / fy: these layouts have one focal length


@dataclass(eq=False)
class CentredWriter(SceneWriter):
    """Writes images, masks and poses; a layout adds its depth.

    Layout::

        images/000000.png        RGB, 8 bit
        masks/000000.png         255 = exclude (tools, unknown depth, low confidence), else 0
        poses_bounds.npy         [N, 17]: [R | t | (H, W, f)] camera-to-world by rows, near, far

    The world is the first camera's, with the reader's axes: the first pose, and every one of a
    camera that stands still, is the identity.

    Readers take the principal point to be (W / 2, H / 2) or, in whole numbers, (W // 2, H // 2), so
    images are cropped to even sizes until it is. The rest, at most half a pixel, is in
    ``depth_meta.json``. Unknown depth is in the mask too, because the readers' percentile clip
    would revive the zeros.

    Args:
        pose_convention: The reader's axes.
        size: (height, width) that the reader has written into its code, such as 512 x 640; images
            are resized and padded to it. None keeps each image's pixels.

    Raises:
        ConfigError: an option is out of range.
    """

    pose_convention: PoseConvention
    size: tuple[int, int] | None = field(default=None, kw_only=True)

    excluded: ClassVar[int] = 255
    used: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if self.size is not None:
            self.size = require_size("writer.size", self.size)
        super().__post_init__()

    @property
    def mask_polarity(self) -> str:
        """For the metadata."""
        return f"{self.excluded} = exclude: tool, unknown depth, low confidence"

    def files(self, frame: Frame) -> Mapping[str, Any]:
        """Image and mask."""
        mask = np.where(frame.known, self.used, self.excluded).astype(np.uint8)
        return {f"images/{frame.name}.png": frame.image, f"masks/{frame.name}.png": mask}

    def meaning(self) -> Meaning:
        """Millimetres, unless a layout says otherwise."""
        return Meaning(
            kind="depth along z",
            unit="mm",
            mask_polarity=self.mask_polarity,
            pose_convention=self.pose_convention.name,
            world=FIRST_CAMERA,
        )

    def fitted(self, prior: DepthPrior) -> tuple[DepthPrior, Record]:
        """Centred."""
        if self.size is None:
            centred, margins = recentred(prior, self._middle, even=True)
        else:
            centred, margins = recentred_at(prior, self.size, self._middle)
        return centred, {"cropped_px": margins._asdict(), "resized_from": list(prior.size)}

    def camera(self, frame: Frame) -> Record:
        """Both the K that readers will make up and the exact one.

        Raises:
            DataError: the pixels are not square.
        """
        fx, fy = float(frame.K[0, 0]), float(frame.K[1, 1])
        if abs(fx / fy - 1) > SQUARE_TOLERANCE:
            raise DataError(
                f"{frame.key}: fx {fx:g} and fy {fy:g}; this layout has one focal length: resize "
                "the images until their pixels are square"
            )
        height, width = frame.size
        focal_px = (fx + fy) / 2
        cx, cy = self._middle(width), self._middle(height)
        read = [[focal_px, 0.0, cx], [0.0, focal_px, cy], [0.0, 0.0, 1.0]]
        return {
            "size": [height, width],
            "focal_px": focal_px,
            "K": read,
            "K_exact": frame.K.tolist(),
            "principal_remainder_px": (frame.K - read)[:2, 2].tolist(),
        }

    def column(self, camera: Record) -> list[float]:
        """What stands beside each pose."""
        return [*camera["size"], camera["focal_px"]]

    def scene(self, written: list[Record], bounds_mm: tuple[float, float]) -> Mapping[str, Any]:
        """``poses_bounds.npy``; a frame without depth takes the scene's bounds."""
        unit_mm = self.meaning().unit_mm
        rows = []
        for record, pose in zip(written, self._poses(written).numpy(), strict=True):
            pose[:, 3] /= unit_mm
            column = np.array(self.column(record["camera"]), np.float64)[:, None]
            bounds = np.array(record["bounds_mm"] or bounds_mm) / unit_mm
            rows.append(np.concatenate([np.hstack([pose, column]).ravel(), bounds]))
        return {POSES: np.array(rows, np.float64)}

    def scene_names(self) -> tuple[str, ...]:
        """See `SceneWriter`."""
        return (*super().scene_names(), POSES)

    def read_poses(self, written: list[Record]) -> Poses:
        """See `SceneWriter`."""
        return self.pose_convention.to_opencv(self._poses(written)).numpy()

    def _poses(self, written: list[Record]) -> Float[Tensor, "n 3 4"]:
        opencv = [record["camera_to_world"] for record in written]
        return self.pose_convention.from_first(torch.tensor(opencv, dtype=torch.float64))

    def _middle(self, length: float) -> float:
        return self.readers[0].middle(length) if self.readers else half(length)
