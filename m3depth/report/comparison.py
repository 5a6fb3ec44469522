"""One page that shows several systems' depth side by side, and says what was aligned how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from m3depth.evaluation.agreement import Agreement
from m3depth.imaging import bars
from m3depth.imaging.figures import (
    ERROR_COLOURS,
    INVERSE_DEPTH_COLOURS,
    Map,
    Picture,
    colour,
    colour_inverse_depth,
    inverse_depth_range,
)
from m3depth.report.frame_arrays import round_up
from m3depth.report.html import figure, page, section, text_table, wide
from m3depth.types import DepthMap, Scale

HEADS = (
    *("system", "alignment", "frames", "pixels", "difference", "mm", "rank", "ratio"),
    "ratio ± over frames",
)
SAID = (
    "Against the first system, over the pixels where both give depth; means over frames. Each "
    "frame is aligned on its own. "
    "Difference: of the inverse depth, as a share of the first system's. mm: of the depth. "
    "Ratio: depth over the first system's before any alignment, median over frames. Rank: "
    "Spearman's correlation of the inverse depth, which no alignment changes. Rows of different "
    "alignment do not compare."
)
GREY = "one of both gives no depth"


@dataclass(frozen=True)
class Compared:
    """One system beside the first."""

    name: str
    alignment: str
    frames: Sequence[Agreement]

    def cells(self) -> list[str]:
        """Of the table."""
        mean = {
            field: [v for one in self.frames if (v := getattr(one, field)) is not None]
            for field in Agreement._fields
        }
        ratio = mean["ratio"]
        spread = f"{np.std(ratio) / np.median(ratio):.1%}" if len(ratio) > 1 else ""
        return [
            *(self.name, self.alignment, str(len(self.frames))),
            f"{np.mean(mean['both']):.0%}",
            f"{np.mean(mean['difference']):.1%}",
            f"{np.mean(mean['difference_mm']):.2f}" if mean["difference_mm"] else "",
            f"{np.mean(mean['rank']):.3f}",
            f"{np.median(ratio):.3f}" if ratio else "",
            spread,
        ]


def table(compared: Sequence[Compared]) -> list[list[str]]:
    """Heading and rows."""
    return [list(HEADS), *(one.cells() for one in compared)]


def comparison_page(
    title: str,
    rows: Sequence[Sequence[str]],
    shown: Mapping[str, Mapping[str, DepthMap]],
    images: Mapping[str, Picture],
    notes: str,
) -> str:
    """The page.

    Args:
        title: Of the page.
        rows: Of the table.
        shown: By frame, then by system, the first one first: depth as it was compared.
        images: By frame, as far as they are known.
        notes: HTML of the footer.
    """
    pictures = _Pictures(shown)
    body = "".join(
        f'<div class="row"><p><code>{escape(frame)}</code></p><div>'
        f"{_image(images, frame)}{pictures.row(maps)}</div></div>"
        for frame, maps in shown.items()
    )
    said = "Every picture of this page has the same range of colours."
    sections = [
        f"<h1>{escape(title)}</h1>",
        section("Table", SAID, wide(text_table(rows))),
        section("Frames", said, f'<div class="bars">{pictures.bars}</div>{body}'),
        notes,
    ]
    return page(title, "".join(sections), charts=False)


def runs_page(title: str, rows: Sequence[Sequence[str]], notes: str) -> str:
    """Scores of runs alone: a row for each run and protocol."""
    said = "Rows compare where data, protocol and alignment are the same."
    sections = [f"<h1>{escape(title)}</h1>", section("Table", said, wide(text_table(rows))), notes]
    return page(title, "".join(sections), charts=False)


class _Pictures:
    """Of all systems, on the first one's range."""

    def __init__(self, shown: Mapping[str, Mapping[str, DepthMap]]) -> None:
        firsts = [next(iter(maps.values())) for maps in shown.values()]
        self.metric = all(one.scale is Scale.METRIC for one in firsts)
        values = np.concatenate([v[k] for v, k in map(_plane, firsts)])
        if self.metric:
            self.near, self.far = inverse_depth_range([1 / values[values > 0]])
            self.ceiling = round_up(0.1 * (self.near + self.far) / 2)
            self.bars = bars.inverse_depth_bar(self.near, self.far)
            self.bars += bars.error_bar(self.ceiling, "mm", GREY, "difference")
        else:
            self.low, self.high = (float(v) for v in np.percentile(values, [1, 99]))
            self.ceiling = 10.0
            self.bars = bars.relative_bar()
            self.bars += bars.error_bar(self.ceiling, "% of the range", GREY, "difference")

    def row(self, maps: Mapping[str, DepthMap]) -> str:
        """Each system's depth and, but for the first, its difference."""
        first, *others = maps.items()
        cells = [figure(self._depth(first[1]), first[0])]
        for name, one in others:
            cells.append(figure(self._depth(one), name))
            cells.append(figure(self._difference(one, first[1]), f"{name}: difference"))
        return "".join(cells)

    def _depth(self, one: DepthMap) -> Picture:
        values, known = _plane(one)
        if self.metric:
            depth_mm = np.where(known & (values > 0), 1 / np.where(values > 0, values, 1), 0)
            return colour_inverse_depth(depth_mm, self.near, self.far)
        return colour(values, self.low, self.high, INVERSE_DEPTH_COLOURS, known)

    def _difference(self, one: DepthMap, first: DepthMap) -> Picture:
        (values, known), (theirs, seen) = _plane(one), _plane(first)
        both = known & seen
        if self.metric:
            both &= (values > 0) & (theirs > 0)
            off = np.abs(1 / np.where(both, values, 1) - 1 / np.where(both, theirs, 1))
        else:
            off = 100 * np.abs(values - theirs) / (self.high - self.low)
        return colour(off, 0, self.ceiling, ERROR_COLOURS, both)


def _plane(one: DepthMap) -> tuple[Map, NDArray[np.bool_]]:
    values = one.values[0, 0].double().cpu().numpy()
    known = np.isfinite(values) if one.known is None else one.known[0, 0].cpu().numpy()
    return np.where(known, values, 0), known


def _image(images: Mapping[str, Picture], frame: str) -> str:
    return figure(images[frame], "image") if frame in images else ""
