"""Rows of pictures of frames without a calibration."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from m3depth.evaluation.result import ShownFrame
from m3depth.evaluation.views import disparity_px
from m3depth.geometry.warp import warp
from m3depth.imaging import bars
from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import ERROR_COLOURS, INVERSE_DEPTH_COLOURS, Picture, colour
from m3depth.report.frame_arrays import plane, round_up

CEILING_LIGHT = 0.2  # of full brightness: the largest difference of a rebuilt view that is shown


@dataclass(frozen=True)
class DisparityRows:
    """Rows for frames without a calibration: the disparity and the view rebuilt with it."""

    ceiling_px: float | None  # None: no frame has a disparity
    rebuilt: bool = True  # whether any frame has a right image

    @classmethod
    def over(cls, frames: Sequence[ShownFrame]) -> "DisparityRows":
        """The range that serves all these frames."""
        maps = [disparity_px(frame.prediction, frame.batch) for frame in frames]
        found = [one for one in maps if one is not None]
        if not found:
            return cls(None, False)
        largest = max(float(np.percentile(plane(one), 99)) for one in found)
        return cls(round_up(largest), any("right" in frame.batch for frame in frames))

    def pictures(self, frame: ShownFrame) -> dict[str, Picture]:
        """The row's pictures by their titles, as far as disparity and right image go."""
        left = frame.batch["left"]
        found = {"left image": to_picture(left[0])}
        found_px = disparity_px(frame.prediction, frame.batch)
        if found_px is None or self.ceiling_px is None:
            return found
        known = np.ones(found_px.shape[-2:], bool)
        drawn = colour(plane(found_px), 0, self.ceiling_px, INVERSE_DEPTH_COLOURS, known)
        found["predicted disparity"] = drawn
        if "right" in frame.batch:
            rebuilt, visible = warp(frame.batch["right"], -found_px)
            error, seen = plane((rebuilt - left).abs().mean(1, True)), visible[0, 0].numpy()
            found["left rebuilt from right"] = to_picture(rebuilt[0])
            found["absolute error"] = colour(error, 0, CEILING_LIGHT, ERROR_COLOURS, seen)
        return found

    def bars(self) -> str:
        """The colour bars that belong to all rows."""
        if self.ceiling_px is None:
            return ""
        disparity = bars.disparity_bar(self.ceiling_px)
        if not self.rebuilt:
            return disparity
        return disparity + bars.error_bar(
            CEILING_LIGHT, "of full brightness", "not seen by the right view"
        )
