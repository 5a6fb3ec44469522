"""Rows of pictures: image, prediction, truth, error, each over one range for the whole page."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from m3depth.errors import DataError
from m3depth.evaluation.result import ShownFrame
from m3depth.evaluation.views import disparity_px
from m3depth.geometry.resizing import resized
from m3depth.geometry.warp import warp
from m3depth.imaging import bars
from m3depth.imaging.figures import (
    ERROR_COLOURS,
    INVERSE_DEPTH_COLOURS,
    UNKNOWN_GREY,
    Picture,
    colour,
    colour_inverse_depth,
    data_uri,
    inverse_depth_range,
)

WIDEST_PX = 480  # pictures are stored no wider, so that the page stays small
CEILING_LIGHT = 0.2  # of full brightness: the largest difference of a rebuilt view that is told

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class DepthRows:
    """Rows for frames with a calibration, in millimetres."""

    near_mm: float
    far_mm: float
    ceiling_mm: float | None  # None: no true depth, so no error

    titles = (
        *("left image", "predicted inverse depth", "true inverse depth", "absolute error"),
        "left rebuilt from right",
    )

    @classmethod
    def over(cls, frames: Iterable[ShownFrame]) -> "DepthRows":
        """The ranges that serve all these frames: by the truth, where it is known."""
        frames = list(frames)
        truths = [_plane(f.truth.depth_mm) for f in frames if f.truth is not None]
        errors = [error[known] for error, known in map(_error_mm, frames) if known.any()]
        worst = _round_up(float(np.percentile(np.concatenate(errors), 95))) if errors else None
        depths = truths or [_plane(f.depth_mm) for f in frames if f.depth_mm is not None]
        return cls(*inverse_depth_range(depths), worst)

    def pictures(self, frame: ShownFrame) -> list[Picture | None]:
        """The row's pictures; None where there is no truth, or no right image."""
        if frame.depth_mm is None:
            return [_image(frame), None, None, None, None]
        predicted = colour_inverse_depth(_plane(frame.depth_mm), *self._range)
        rebuilt = _rebuilt(frame) if "right" in frame.batch else None
        if frame.truth is None or self.ceiling_mm is None:
            return [_image(frame), predicted, None, None, rebuilt]
        true = colour_inverse_depth(_plane(frame.truth.depth_mm), *self._range)
        error, known = _error_mm(frame)
        drawn = colour(error, 0, self.ceiling_mm, ERROR_COLOURS, known)
        return [_image(frame), predicted, true, drawn, rebuilt]

    def bars(self) -> str:
        """The colour bars that belong to all rows."""
        depth = bars.inverse_depth_bar(*self._range)
        if self.ceiling_mm is None:
            return depth
        return depth + bars.error_bar(self.ceiling_mm, "mm", "truth not known")

    @property
    def _range(self) -> tuple[float, float]:
        return self.near_mm, self.far_mm


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
        largest = [float(np.percentile(_plane(_disparity_px(f)), 99)) for f in frames]
        return cls(_round_up(max(largest)), any("right" in frame.batch for frame in frames))

    def pictures(self, frame: ShownFrame) -> list[Picture | None]:
        """The row's pictures; None for what needs a right image where there is none."""
        found_px = _disparity_px(frame)
        plane = _plane(found_px)
        known = np.ones(plane.shape, bool)
        drawn = colour(plane, 0, self.ceiling_px, INVERSE_DEPTH_COLOURS, known)
        if "right" not in frame.batch:
            return [_image(frame), drawn, None, None]
        rebuilt, visible = warp(frame.batch["right"], -found_px)
        error = _plane((rebuilt - frame.batch["left"]).abs().mean(dim=1, keepdim=True))
        seen = visible[0, 0].numpy()
        return [
            _image(frame),
            drawn,
            _bytes(rebuilt),
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


def rows_for(frames: list[ShownFrame]) -> DepthRows | DisparityRows:
    """In millimetres if every frame has a calibration."""
    calibrated = all(frame.depth_mm is not None for frame in frames)
    return DepthRows.over(frames) if calibrated else DisparityRows.over(frames)


def table(rows: DepthRows | DisparityRows, frames: list[ShownFrame]) -> str:
    """Frames as rows of captioned pictures."""
    return "".join(_row(rows, frame) for frame in frames)


def image_at(frame: ShownFrame, size: tuple[int, int]) -> Picture:
    """The left image, (height, width) as asked."""
    return _bytes(resized(frame.batch["left"], size))


def _row(rows: DepthRows | DisparityRows, frame: ShownFrame) -> str:
    cells = [
        _cell(picture, title, frame.row.key)
        for title, picture in zip(rows.titles, rows.pictures(frame), strict=True)
        if picture is not None
    ]
    scores = frame.row.scores
    parts = [f"{scores['mae_mm']:.2f} mm MAE"] if "mae_mm" in scores else []
    parts += [f"SSIM {scores['ssim']:.3f}"] if "ssim" in scores else []
    caption = f"<code>{escape(frame.row.key)}</code> <span>{' · '.join(parts)}</span>"
    return f'<div class="row"><p>{caption}</p><div>{"".join(cells)}</div></div>'


def _cell(picture: Picture, title: str, key: str) -> str:
    described = escape(f"{title} of {key}", quote=True)
    return (
        f'<figure><img src="{data_uri(_small(picture))}" alt="{described}">'
        f"<figcaption>{title}</figcaption></figure>"
    )


def _disparity_px(frame: ShownFrame) -> Float[Tensor, "1 1 h w"]:
    found = disparity_px(frame.prediction, frame.batch)
    if found is None:
        raise DataError(f"{frame.row.key}: a prediction without millimetres and without disparity")
    return found


def _rebuilt(frame: ShownFrame) -> Picture:
    """The left view by the right one's light, grey where that does not see: what SSIM is of."""
    rebuilt, seen = warp(frame.batch["right"], -_disparity_px(frame))
    picture = _bytes(rebuilt)
    picture[~seen[0, 0].numpy()] = UNKNOWN_GREY
    return picture


def _error_mm(frame: ShownFrame) -> tuple[Plane, NDArray[np.bool_]]:
    if frame.truth is None or frame.depth_mm is None:
        return np.zeros((1, 1), np.float32), np.zeros((1, 1), bool)
    error = (frame.depth_mm - frame.truth.depth_mm).abs()
    return _plane(error), frame.truth.counts[0, 0].numpy()


def _plane(values: Float[Tensor, "1 1 h w"]) -> Plane:
    return values[0, 0].float().numpy()


def _image(frame: ShownFrame) -> Picture:
    return _bytes(frame.batch["left"])


def _bytes(image: Float[Tensor, "1 3 h w"]) -> Picture:
    return (image[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(1.0, WIDEST_PX / picture.shape[1])
    size = (round(picture.shape[0] * scale), round(picture.shape[1] * scale))
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None].float()
    return interpolate(planes, size, mode="nearest-exact")[0].byte().permute(1, 2, 0).numpy()


def _round_up(value: float) -> float:
    """To the next of 1, 2, 4, 5, 8, 10 in its power of ten."""
    unit = 10 ** np.floor(np.log10(max(value, 1e-6)))
    return float(unit * next(step for step in (1, 2, 4, 5, 8, 10) if step * unit >= value * 0.999))
