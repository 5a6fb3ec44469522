"""Rows of pictures: image, prediction, truth, error, each over one range for the whole page."""

from html import escape

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from m3depth.evaluation.result import ShownFrame
from m3depth.report.depth_rows import DepthRows
from m3depth.report.disparity_rows import DisparityRows
from m3depth.report.html import figure

WIDEST_PX = 480  # pictures are stored no wider, so that the page stays small


def rows_for(frames: list[ShownFrame]) -> DepthRows | DisparityRows:
    """In millimetres if every frame has a calibration."""
    calibrated = all(frame.depth_mm is not None for frame in frames)
    return DepthRows.over(frames) if calibrated else DisparityRows.over(frames)


def table(rows: DepthRows | DisparityRows, frames: list[ShownFrame]) -> str:
    """Frames as rows of captioned pictures."""
    return "".join(_row(rows, frame) for frame in frames)


def _row(rows: DepthRows | DisparityRows, frame: ShownFrame) -> str:
    cells = [
        figure(_small(picture), title, f"{title} of {frame.row.key}")
        for title, picture in rows.pictures(frame).items()
    ]
    scores = frame.row.scores
    parts = [f"{scores['mae_mm']:.2f} mm MAE"] if "mae_mm" in scores else []
    parts += [f"SSIM {scores['ssim']:.3f}"] if "ssim" in scores else []
    caption = f"<code>{escape(frame.row.key)}</code> <span>{' · '.join(parts)}</span>"
    return f'<div class="row"><p>{caption}</p><div>{"".join(cells)}</div></div>'


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(1.0, WIDEST_PX / picture.shape[1])
    size = (round(picture.shape[0] * scale), round(picture.shape[1] * scale))
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    return interpolate(planes, size, mode="nearest-exact")[0].byte().permute(1, 2, 0).numpy()
