"""What graphdeco's gaussian-splatting reads with ``-d depths``."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from m3depth.priors.layouts.colmap.layout import MODEL, ColmapLayout
from m3depth.priors.layouts.frame import DepthMeta, Map, Mask, SceneFrame
from m3depth.priors.layouts.habits import between_centres
from m3depth.priors.layouts.inverse import InverseDepth
from m3depth.priors.layouts.stated import INVERSE_DEPTH
from m3depth.priors.layouts.written import WrittenScene
from m3depth.priors.prior import DepthPrior
from m3depth.priors.recentre import recentred
from m3depth.priors.records import Record
from m3depth.validation import require_number

PARAMS = f"{MODEL}/depth_params.json"
STEPS = 2**16  # what the reader divides by


@dataclass
class GraphdecoLayout(ColmapLayout):
    """A COLMAP model, ``depths/000000.png`` (inverse depth of 16 bits), ``depth_params.json``.

    ``value / 65536 * scale + offset`` is 1 / z in 1/mm, with one scale for all frames, as the
    reader leaves out frames whose scale is far from the others'. It has no code for unknown depth
    and no weight per pixel, so holes take the nearest known pixel's depth (the truth, with 0, is in
    ``depth_float``), and a frame without any has scale 0, which leaves it out. Tools are
    transparent in the images, and black: the trainer makes what it renders black there, and
    compares it with the colours of the file. The reader takes the principal point to be the middle,
    (W - 1) / 2: images are cropped until it is, to a quarter of a pixel.

    Args:
        near_mm: The nearest depth that can be told. At depth z one step is z² / (65536 near_mm).

    Raises:
        ConfigError: an option is out of range, or pycolmap is not installed.
    """

    near_mm: float = field(default=10.0, kw_only=True)

    one_camera: ClassVar[bool] = True
    revision: ClassVar[int] = 1  # black under tools, and a column less

    def __post_init__(self) -> None:
        require_number("writer.near_mm", self.near_mm, 0.1)
        super().__post_init__()
        self._code = InverseDepth(self.near_mm, STEPS, STEPS - 1)

    def fitted(self, prior: DepthPrior) -> tuple[DepthPrior, Record]:
        """Centred."""
        centred, margins = recentred(prior, between_centres)
        return centred, {"cropped_px": margins._asdict()}

    def holds(self, depth_mm: Map) -> Mask:
        """From the nearest depth to the last step of inverse depth."""
        return self._code.holds(depth_mm)

    def camera(self, frame: SceneFrame) -> Record:
        """Both the K that the reader will make up and the exact one."""
        read = frame.K.copy()
        read[:2, 2] = between_centres(frame.size[1]), between_centres(frame.size[0])
        return {
            "size": list(frame.size),
            "K": read.tolist(),
            "K_exact": frame.K.tolist(),
            "principal_remainder_px": (frame.K - read)[:2, 2].tolist(),
        }

    def files(self, frame: SceneFrame) -> Mapping[str, Any]:
        """The model's, with the tools black and transparent, and the inverse depth."""
        alpha = np.where(frame.use, 255, 0).astype(np.uint8)
        steps = np.where(frame.known, self._code.steps(frame.depth_mm), 0).astype(np.uint16)
        return {
            **super().files(frame),
            f"images/{frame.name}.png": np.dstack([frame.image * frame.use[..., None], alpha]),
            f"depths/{frame.name}.png": _filled(steps, frame.known),
        }

    def scene(self, scene: WrittenScene) -> Mapping[str, Any]:
        """The model, and each frame's scale."""
        scale = self.meta().scale * STEPS
        params = {
            record["name"]: {"scale": scale if record["bounds_mm"] else 0.0, "offset": 0.0}
            for record in scene.records
        }
        return {**super().scene(scene), PARAMS: params}

    def scene_names(self) -> tuple[str, ...]:
        """See `Layout`."""
        return (*super().scene_names(), PARAMS)

    def meta(self) -> DepthMeta:
        """Inverse millimetres."""
        return replace(
            super().meta(),
            kind=INVERSE_DEPTH,
            scale=1 / (self.near_mm * STEPS),
            invalid="none: holes take the nearest known pixel's depth",
            mask_polarity="alpha of the images and masks: 255 = use; 0 = tool",
        )


def _filled(steps: Any, known: Mask) -> Any:
    """Every hole by the value of the known pixel nearest to it."""
    from scipy.ndimage import distance_transform_edt

    if known.all() or not known.any():
        return steps
    rows, columns = distance_transform_edt(~known, return_distances=False, return_indices=True)
    return steps[rows, columns]
