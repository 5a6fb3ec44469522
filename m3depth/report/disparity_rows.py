"""Rows of pictures of frames without a calibration."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from m3depth.evaluation.result import ShownFrame
from m3depth.geometry.warp import warp
from m3depth.imaging import bars
from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import (
    ERROR_COLOURS,
    INVERSE_DEPTH_COLOURS,
    Picture,
    colour,
)
from m3depth.report.frame_arrays import frame_disparity_px, plane, round_up

CEILING_LIGHT = 0.2  # of full brightness: the largest difference of a rebuilt view that is shown


@dataclass(frozen=True)
class DisparityRows:
    """Rows for frames without a calibration: the disparity and the view rebuilt with it."""

    ceiling_px: float
    rebuilt: bool = True  # whether any frame has a right image

    titles = ("left image", "predicted disparity", "left rebuilt from right", "absolute error")

    @classmethod
    def over(cls, frames: Iterable[ShownFrame]) -> "DisparityRows":
        """The range that serves all these frames."""
        frames = list(frames)
        largest = [float(np.percentile(plane(frame_disparity_px(f)), 99)) for f in frames]
        return cls(round_up(max(largest)), any("right" in frame.batch for frame in frames))

    def pictures(self, frame: ShownFrame) -> list[Picture | None]:
        """The row's pictures; None for what needs a right image where there is none."""
        found_px = frame_disparity_px(frame)
        disparity = plane(found_px)
        known = np.ones(disparity.shape, bool)
        drawn = colour(disparity, 0, self.ceiling_px, INVERSE_DEPTH_COLOURS, known)
        if "right" not in frame.batch:
            return [to_picture(frame.batch["left"][0]), drawn, None, None]
        rebuilt, visible = warp(frame.batch["right"], -found_px)
        error = plane((rebuilt - frame.batch["left"]).abs().mean(dim=1, keepdim=True))
        seen = visible[0, 0].numpy()
        return [
            to_picture(frame.batch["left"][0]),
            drawn,
            to_picture(rebuilt[0]),
            colour(error, 0, CEILING_LIGHT, ERROR_COLOURS, seen),
        ]

    def bars(self) -> str:
        """The colour bars that belong to all rows."""
        disparity = bars.disparity_bar(self.ceiling_px)
        if not self.rebuilt:
            return disparity
        return disparity + bars.error_bar(
            CEILING_LIGHT, "of full brightness", "not seen by the right view"
        )
