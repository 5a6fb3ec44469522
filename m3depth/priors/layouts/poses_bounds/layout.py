"""Scenes of one camera whose readers take the principal point to be the middle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from m3depth.errors import ConfigError, DataError
from m3depth.geometry.poses import PoseConvention
from m3depth.io.poses_bounds import POSES, PosesBounds, half
from m3depth.priors.layouts.frame import DepthMeta, SceneFrame
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.masks import TOOL_IS_WHITE, Polarity
from m3depth.priors.layouts.stated import DEPTH
from m3depth.priors.layouts.written import Poses, WrittenScene
from m3depth.priors.prior import DepthPrior
from m3depth.priors.recentre import recentred, recentred_at
from m3depth.priors.records import Record
from m3depth.validation import require_size

FIRST_CAMERA = "the first camera's, in the axes of the poses"
SQUARE_TOLERANCE = 0.005  # of fx / fy: these layouts have one focal length


@dataclass
class PosesBoundsLayout(Layout):
    """Images, masks and poses; a child adds its depth.

    Layout::

        images/000000.png        RGB, 8 bit
        masks/000000.png         255 = exclude (tools, unknown depth, low confidence), else 0
        poses_bounds.npy         [N, 17]: [R | t | (H, W, f)] camera-to-world by rows, near, far

    The world is the first camera's, with the reader's axes: the first pose, and every one of a
    camera that stands still, is the identity.

    Readers take the principal point to be (W / 2, H / 2) or, in whole numbers, (W // 2, H // 2), so
    images are cropped to even sizes until it is. The rest, at most half a pixel, is in
    ``depth_meta.json``. Unknown depth is in the mask too, because the readers' percentile clip
    would turn the zeros into some depth.

    Args:
        pose_convention: The reader's axes.
        size: (height, width) that the reader has written into its code, such as 512 x 640; images
            are resized and padded to it. None keeps each image's pixels.

    Raises:
        ConfigError: an option is out of range.
    """

    pose_convention: PoseConvention
    size: tuple[int, int] | None = field(default=None, kw_only=True)

    masks: ClassVar[Polarity] = TOOL_IS_WHITE

    def __post_init__(self) -> None:
        if not isinstance(self.pose_convention, PoseConvention):
            raise ConfigError(
                f"writer.pose_convention={self.pose_convention}: has settings of its own, as "
                "writer.pose_convention._target_=..."
            )
        if self.size is not None:
            self.size = require_size("writer.size", self.size)

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """Image and mask."""
        mask = self.masks.drawn(frame.known)
        return {f"images/{frame.name}.png": frame.image, f"masks/{frame.name}.png": mask}

    def meta(self) -> DepthMeta:
        """Millimetres, unless a layout says otherwise."""
        return DepthMeta(
            kind=DEPTH,
            unit="mm",
            mask_polarity=self.masks.said,
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

    def camera(self, frame: SceneFrame) -> Record:
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

    def scene(self, scene: WrittenScene) -> Mapping[str, Any]:
        """``poses_bounds.npy``; a frame without depth takes the scene's bounds."""
        unit_mm, poses = self.meta().unit_mm, self._from_first(scene).numpy()
        poses[:, :, 3] /= unit_mm
        bounds_mm = [record["bounds_mm"] or scene.bounds_mm for record in scene.records]
        columns = [self.column(record["camera"]) for record in scene.records]
        bounds = np.array(bounds_mm, np.float64) / unit_mm
        return {POSES: PosesBounds(poses, np.array(columns, np.float64), bounds).rows()}

    def scene_names(self) -> tuple[str, ...]:
        """See `Layout`."""
        return (POSES,)

    def read_poses(self, scene: WrittenScene) -> Poses:
        """See `Layout`."""
        return self.pose_convention.to_opencv(self._from_first(scene)).numpy()

    def _from_first(self, scene: WrittenScene) -> Float[Tensor, "n 3 4"]:
        return self.pose_convention.from_first(torch.from_numpy(scene.poses))

    def _middle(self, length: float) -> float:
        return self.readers[0].middle(length) if self.readers else half(length)
