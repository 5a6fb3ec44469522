"""Held-out frames in the report of a fit: colours, depth and errors, side by side."""

from collections.abc import Sequence
from html import escape

import numpy as np
import torch
from torch import Tensor

from m3depth.imaging import bars
from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import (
    ERROR_COLOURS,
    Picture,
    colour,
    colour_inverse_depth,
)
from m3depth.report.html import figure, section
from m3depth.splatting.results.renders import depth_range
from m3depth.splatting.scene.clip import Frame
from m3depth.splatting.scores import RenderedView

COLOURS_ENLARGED = 4


def held_out(found: Sequence[RenderedView]) -> str:
    """All frames over one range of colours; the prior beside the fit, where there is a truth."""
    range_mm = depth_range(view.truth or view.frame for view in found)
    ceiling_mm = _ceiling_mm(found)
    both = bars.inverse_depth_bar(*range_mm) + bars.error_bar(ceiling_mm, "mm", "not compared")
    rows = "".join(_row(view, range_mm, ceiling_mm) for view in found)
    return section("Held-out frames", "", f'<div class="bars">{both}</div>{rows}')


def _row(view: RenderedView, range_mm: tuple[float, float], ceiling_mm: float) -> str:
    """Two lines of pictures: colours and the prior, then depth."""

    def error(depth_mm: Tensor, target: Frame, counts: Tensor) -> Picture:
        off_mm = (depth_mm - target.depth_mm).abs()[0].numpy()
        return colour(off_mm, 0, ceiling_mm, ERROR_COLOURS, counts[0].numpy())

    def depth(depth_mm: Tensor) -> Picture:
        return colour_inverse_depth(depth_mm[0].numpy(), *range_mm)

    frame, true = view.frame, view.truth
    off = ((view.colour - frame.image).abs() * COLOURS_ENLARGED * view.counts).clamp(0, 1)
    colours = {
        "frame": to_picture(frame.image),
        "rendered": to_picture(view.colour),
        f"difference of colours, times {COLOURS_ENLARGED}": to_picture(off),
    }
    if true is None:
        depths = {
            "the prior's depth": depth(frame.depth_mm),
            "rendered depth": depth(view.depth_mm),
            "rendered minus prior": error(view.depth_mm, frame, frame.known),
        }
    else:
        colours["the prior's depth"] = depth(frame.depth_mm)
        depths = {
            "true depth": depth(true.depth_mm),
            "rendered depth": depth(view.depth_mm),
            "rendered minus true": error(view.depth_mm, true, true.known),
            "prior minus true": error(frame.depth_mm, true, true.known & (frame.depth_mm > 0)),
        }
    figures = "".join(figure(picture, title) for title, picture in (colours | depths).items())
    columns = f"grid-template-columns: repeat({len(colours)}, minmax(0, 1fr))"
    return (
        f'<div class="row"><p>{escape(frame.key)}</p><div style="{columns}">{figures}</div></div>'
    )


def _ceiling_mm(found: Sequence[RenderedView]) -> float:
    """What 95 % of the errors stay below, to one digit upwards."""
    compared = [(view.depth_mm, view.truth or view.frame) for view in found]
    parts = [(depth_mm - target.depth_mm).abs()[target.known] for depth_mm, target in compared]
    errors = torch.cat(parts).numpy()
    worst = float(np.percentile(errors, 95)) if errors.size else 1.0
    digit = 10.0 ** np.floor(np.log10(max(worst, 1e-3)))
    return float(np.ceil(worst / digit) * digit) or 1e-3
