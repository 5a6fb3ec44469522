"""What was measured on a set, whether or not anything is wrong with it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from m3depth.check.finding import Finding
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.row_alignment import Estimate, RowAlignment
from m3depth.check.measuring.sampler import Sampled
from m3depth.check.pairs.view_colours import log_ratios

Values = Sequence[tuple[MeasuredFrame, float]]


class Measure(NamedTuple):
    """One kind of number, over the frames that have it."""

    code: str  # of the finding that it would be if it were too large
    said: str
    numbers: Mapping[str, float]  # units in the names


def measures(sampled: Sampled) -> list[Measure]:
    """What the frames can tell, in the order of the checks; what none of them has is left out."""
    found = [*_of_rows(sampled), *_of_disparity(sampled), *_of_truth(sampled), *_of_light(sampled)]
    return [measure for measure in found if measure is not None]


def fine(found: Sequence[Measure], findings: Sequence[Finding]) -> list[Measure]:
    """Those that no finding is about."""
    wrong = {finding.code for finding in findings}
    return [measure for measure in found if measure.code not in wrong]


def _of_rows(sampled: Sampled) -> list[Measure | None]:
    """How the rows of the views lie to each other."""
    aligned = [(f, f.alignment) for f in sampled.plain if f.alignment is not None]
    sure = [(f, a) for f, a in aligned if np.isfinite(a.bend_px.error)]  # points enough to tell

    def each(of: Sequence[tuple[MeasuredFrame, RowAlignment]], name: str) -> Values:
        estimates: list[tuple[MeasuredFrame, Estimate]] = [(f, getattr(a, name)) for f, a in of]
        return [(frame, estimate.value) for frame, estimate in estimates]

    return [
        _spread(
            "vertical_offset", "the views' rows are apart by", "px", each(aligned, "offset_px")
        ),
        _spread("view_rotation", "one view is turned by", "deg", each(aligned, "rotation_deg")),
        _spread(
            "vertical_scale", "rows at the edge are apart by", "px", each(aligned, "stretch_px")
        ),
        _spread("distortion", "rows bend by", "px", each(sure, "bend_px")),
    ]


def _of_disparity(sampled: Sampled) -> list[Measure | None]:
    """Where the points lie, and whether any is beyond infinity."""
    seen = [(frame, frame.kept.shift_px[:, 0]) for frame in sampled.ordered]
    if not seen:
        return []
    shares = np.array([np.percentile(x / frame.size[1], [1, 50, 99]) for frame, x in seen])
    low, middle, high = shares[:, 0].min(), float(np.median(shares[:, 1])), shares[:, 2].max()
    wide = int(np.median([frame.size[1] for frame, _ in seen]))
    points = int(np.median([len(x) for _, x in seen]))
    said = (
        f"disparities go from {low * wide:.1f} to {high * wide:.1f} px ({low:.1%} to {high:.1%} of "
        f"the width), {middle * wide:.1f} px in the middle, from {points} points in a frame"
    )
    numbers = {"low_of_width": low, "median_of_width": middle, "high_of_width": high}
    behind = [(frame, 100 * frame.behind) for frame, _ in seen]
    return [
        Measure("disparity_range", said, {n: float(v) for n, v in numbers.items()}),
        _spread("principal_offset", "points beyond infinity:", "%", behind),
    ]


def _of_truth(sampled: Sampled) -> list[Measure | None]:
    """How known depth lies on the images, and how much of it there is."""
    fits = [(frame, fit) for frame in sampled.frames if (fit := frame.truth_fit) is not None]
    off = [(frame, fit.as_stated_px) for frame, fit in fits]
    maps = [(frame, frame.depth_mm) for frame in sampled.frames if frame.depth_mm is not None]
    known = [(frame, 100 * float((depth > 0).mean())) for frame, depth in maps]
    return [
        _spread("truth_misplaced", "ground truth is off what the images show by", "px", off),
        _spread("truth_sparse", "depth is known at", "% of the pixels", known, lowest=True),
    ]


def _of_light(sampled: Sampled) -> list[Measure | None]:
    """How bright the views are to each other."""
    compared = [(frame, log_ratios(frame)) for frame in sampled.plain]
    ratios = [(frame, float(np.median(r.mean(1)))) for frame, r in compared if len(r)]
    if not ratios:
        return []
    middle, (worst, most) = _middle(ratios), max(ratios, key=lambda pair: abs(pair[1]))
    said = (
        f"the left view is {np.exp(middle):.2f} times as bright as the right one (median), "
        f"{np.exp(most):.2f} in {worst.key}"
    )
    return [Measure("exposure_difference", said, {"median_ratio": float(np.exp(middle))})]


def _spread(
    code: str, what: str, unit: str, values: Values, lowest: bool = False
) -> Measure | None:
    """The median frame's and the farthest one's; None without any."""
    if not values:
        return None
    sizes = [(frame, abs(value)) for frame, value in values]
    pick = min if lowest else max
    middle, (frame, most) = _middle(sizes), pick(sizes, key=lambda pair: pair[1])
    end = "at least" if lowest else "at most"
    said = f"{what} {_plain(middle)} {unit} (median), {_plain(most)} {end} ({frame.key})"
    name = unit.split()[0].replace("%", "percent")
    return Measure(code, said, {f"median_{name}": middle, f"{pick.__name__}_{name}": most})


def _plain(value: float) -> str:
    """Two digits, and all of those before the point."""
    return f"{value:.2g}" if value < 99.5 else f"{value:.0f}"


def _middle(values: Values) -> float:
    return float(np.median([value for _, value in values]))
