"""Held-out frames in the report of a fit: colours, depth and errors, side by side."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from m3depth.imaging import bars
from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import ERROR_COLOURS, Picture, colour, colour_inverse_depth
from m3depth.report.html import figure, section
from m3depth.splatting.results.renders import depth_range
from m3depth.splatting.scene.clip import ClipFrame
from m3depth.splatting.scores import RenderedView

COLOURS_ENLARGED = 4


class _Ranges(NamedTuple):
    """The ranges of colours that all frames of the page share."""

    near_mm: float
    far_mm: float
    ceiling_mm: float  # of errors

    def depth(self, depth_mm: Tensor) -> Picture:
        return colour_inverse_depth(depth_mm[0].numpy(), self.near_mm, self.far_mm)

    def error(self, depth_mm: Tensor, target: ClipFrame, counts: Tensor) -> Picture:
        off_mm = (depth_mm - target.depth_mm).abs()[0].numpy()
        return colour(off_mm, 0, self.ceiling_mm, ERROR_COLOURS, counts[0].numpy())


def held_out(found: Sequence[RenderedView]) -> str:
    """All frames over one range of colours; the prior beside the fit, where there is a truth."""
    range_mm = depth_range(view.truth or view.frame for view in found)
    ranges = _Ranges(*range_mm, _ceiling_mm(found))
    error = bars.error_bar(ranges.ceiling_mm, "mm", "not compared")
    rows = "".join(_row(view, ranges) for view in found)
    both = f'<div class="bars">{bars.inverse_depth_bar(*range_mm)}{error}</div>'
    return section("Held-out frames", "", both + rows)


def _row(view: RenderedView, ranges: _Ranges) -> str:
    """Two lines of pictures: colours and, beside a truth, the prior; then depth."""
    first, second = _colours(view), _depths(view, ranges)
    if view.truth is not None:
        first["the prior's depth"] = ranges.depth(view.frame.depth_mm)
    figures = "".join(figure(picture, title) for title, picture in (first | second).items())
    columns = f"grid-template-columns: repeat({len(first)}, minmax(0, 1fr))"
    key = escape(view.frame.key)
    return f'<div class="row"><p>{key}</p><div style="{columns}">{figures}</div></div>'


def _colours(view: RenderedView) -> dict[str, Picture]:
    target = view.frame.image
    off = ((view.colour - target).abs() * COLOURS_ENLARGED * view.counts).clamp(0, 1)
    return {
        "frame": to_picture(target),
        "rendered": to_picture(view.colour),
        f"difference of colours, times {COLOURS_ENLARGED}": to_picture(off),
    }


def _depths(view: RenderedView, ranges: _Ranges) -> dict[str, Picture]:
    prior, true, rendered = view.frame, view.truth, ranges.depth(view.depth_mm)
    if true is None:
        return {
            "the prior's depth": ranges.depth(prior.depth_mm),
            "rendered depth": rendered,
            "rendered minus prior": ranges.error(view.depth_mm, prior, prior.known),
        }
    both = true.known & (prior.depth_mm > 0)
    return {
        "true depth": ranges.depth(true.depth_mm),
        "rendered depth": rendered,
        "rendered minus true": ranges.error(view.depth_mm, true, true.known),
        "prior minus true": ranges.error(prior.depth_mm, true, both),
    }


def _ceiling_mm(found: Sequence[RenderedView]) -> float:
    """What 95 % of the errors stay below, to one digit upwards."""
    compared = [(view.depth_mm, view.truth or view.frame) for view in found]
    parts = [(depth_mm - target.depth_mm).abs()[target.known] for depth_mm, target in compared]
    errors = torch.cat(parts).numpy()
    worst = float(np.percentile(errors, 95)) if errors.size else 1.0
    digit = 10.0 ** np.floor(np.log10(max(worst, 1e-3)))
    return float(np.ceil(worst / digit) * digit) or 1e-3
