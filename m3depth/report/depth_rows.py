"""Rows of pictures of frames with millimetres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from m3depth.evaluation.result import ShownFrame
from m3depth.evaluation.views import disparity_px
from m3depth.geometry.warp import warp
from m3depth.imaging import bars
from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import (
    ERROR_COLOURS,
    UNKNOWN_GREY,
    Picture,
    colour,
    colour_inverse_depth,
    inverse_depth_range,
)
from m3depth.report.frame_arrays import Plane, plane, round_up


@dataclass(frozen=True)
class DepthRows:
    """Rows for frames with a calibration, in millimetres."""

    range_mm: tuple[float, float]  # of the depths' colours
    ceiling_mm: float | None  # of the errors'; None: no true depth, so no error

    @classmethod
    def over(cls, frames: Sequence[ShownFrame]) -> "DepthRows":
        """The ranges that serve all these frames: by the truth, where it is known."""
        truths = [plane(f.truth.depth_mm) for f in frames if f.truth is not None]
        errors = [error[known] for error, known in map(_error_mm, frames) if known.any()]
        worst = round_up(float(np.percentile(np.concatenate(errors), 95))) if errors else None
        depths = truths or [plane(f.depth_mm) for f in frames if f.depth_mm is not None]
        return cls(inverse_depth_range(depths), worst)

    def pictures(self, frame: ShownFrame) -> dict[str, Picture]:
        """The row's pictures by their titles, as far as truth, right image and disparity go."""
        found = {"left image": to_picture(frame.batch["left"][0])}
        if frame.depth_mm is not None:
            found["predicted inverse depth"] = self._colour(frame.depth_mm)
        if frame.truth is not None and self.ceiling_mm is not None:
            error, known = _error_mm(frame)
            found["true inverse depth"] = self._colour(frame.truth.depth_mm)
            found["absolute error"] = colour(error, 0, self.ceiling_mm, ERROR_COLOURS, known)
        rebuilt = _rebuilt(frame)
        return found if rebuilt is None else {**found, "left rebuilt from right": rebuilt}

    def bars(self) -> str:
        """The colour bars that belong to all rows."""
        depth = bars.inverse_depth_bar(*self.range_mm)
        if self.ceiling_mm is None:
            return depth
        return depth + bars.error_bar(self.ceiling_mm, "mm", "truth not known")

    def _colour(self, depth_mm: Float[Tensor, "1 1 h w"]) -> Picture:
        return colour_inverse_depth(plane(depth_mm), *self.range_mm)


def _rebuilt(frame: ShownFrame) -> Picture | None:
    """The left view by the right one's light, grey where that does not see: what SSIM is of."""
    shift_px = disparity_px(frame.prediction, frame.batch)
    if "right" not in frame.batch or shift_px is None:
        return None
    rebuilt, seen = warp(frame.batch["right"], -shift_px)
    picture = to_picture(rebuilt[0])
    picture[~seen[0, 0].numpy()] = UNKNOWN_GREY
    return picture


def _error_mm(frame: ShownFrame) -> tuple[Plane, NDArray[np.bool_]]:
    if frame.truth is None or frame.depth_mm is None:
        return np.zeros((1, 1), np.float32), np.zeros((1, 1), bool)
    error = (frame.depth_mm - frame.truth.depth_mm).abs()
    return plane(error), frame.truth.counts[0, 0].numpy()
