"""The numbers as HTML: the headline's cards and the table of metrics."""

from html import escape
from itertools import pairwise
from typing import NamedTuple

from m3depth.evaluation.metrics import DEPTH_BINS_MM, bin_name
from m3depth.evaluation.result import Evaluation, Result
from m3depth.evaluation.scoring import METRICS
from m3depth.evaluation.surfaces import WITHIN_MM


class Meaning(NamedTuple):
    """How a metric is told to a reader."""

    what: str
    unit: str
    better: str  # the arrow: which way is better
    digits: int


MEANINGS = {
    "mae_mm": Meaning("mean absolute error of depth", "mm", "↓", 2),
    "abs_rel": Meaning("error relative to the true depth", "", "↓", 4),
    "sq_rel_mm": Meaning("squared error relative to the true depth", "mm", "↓", 3),
    "rmse_mm": Meaning("root mean squared error of depth", "mm", "↓", 2),
    "rmse_log": Meaning("root mean squared error of log depth", "", "↓", 4),
    "d1": Meaning("pixels within a factor 1.25", "", "↑", 4),
    "d2": Meaning("pixels within a factor 1.25²", "", "↑", 4),
    "d3": Meaning("pixels within a factor 1.25³", "", "↑", 4),
    "epe_px": Meaning("mean absolute error of disparity", "px", "↓", 3),
    "rmse_px": Meaning("root mean squared error of disparity", "px", "↓", 3),
    "bad2": Meaning("pixels whose disparity is off by more than 2 px", "", "↓", 4),
    "bad3": Meaning("pixels whose disparity is off by more than 3 px", "", "↓", 4),
    **{
        bin_name(low, high): Meaning(f"error of depths of {low} to {high} mm", "mm", "↓", 2)
        for low, high in pairwise(DEPTH_BINS_MM)
    },
    "accuracy_mm": Meaning("from a predicted point to the nearest true one", "mm", "↓", 2),
    "completeness_mm": Meaning("from a true point to the nearest predicted one", "mm", "↓", 2),
    "chamfer_mm": Meaning("mean of accuracy and completeness", "mm", "↓", 2),
    **{
        f"fscore_{near}mm": Meaning(f"points within {near} mm of the other cloud", "", "↑", 4)
        for near in WITHIN_MM
    },
    "normal_deg": Meaning("mean angle between surface normals", "°", "↓", 2),
    "flicker_mm": Meaning("change between frames beyond the camera's motion", "mm", "↓", 2),
    "ssim": Meaning("similarity (SSIM) of the left view rebuilt from the right", "", "↑", 4),
    "psnr": Meaning("the same as peak signal-to-noise ratio", "dB", "↑", 2),
    "density": Meaning("pixels for which the method gives an answer", "", "↑", 4),
}
BASELINE_TITLES = {
    "mean_depth": "mean of the training depths",
    "sgbm": "SGBM, sees both images",
    "constant_disparity": "best constant disparity",
    "best_shift": "best single shift",
    "truth": "the truth itself",
}
COLUMNS = ("mae_mm", "abs_rel", "sq_rel_mm", "rmse_mm", "rmse_log", "d1", "ssim", "density")
AGAINST = {"mae_mm": "mean_depth", "epe_px": "constant_disparity", "ssim": "best_shift"}


def headline(result: Result) -> str:
    """The one number to read first, and beside it what it must be read against."""
    metrics, baselines = result.metrics, result.baselines
    told = [name for name in AGAINST if name in metrics]
    if not told:
        return ""
    compared = next((n for n in told if n in baselines.get(AGAINST[n], {})), None)
    cards = [_own(result, told[0], "main")]
    if compared is not None:
        cards += [_own(result, compared)] if compared != told[0] else []
        cards += _comparison(compared, metrics[compared], baselines[AGAINST[compared]][compared])
    sgbm, read = baselines.get("sgbm", {}), compared or told[0]
    if read in sgbm:
        said = f"SGBM, which sees both images, on {sgbm['density']:.0%} of the pixels"
        cards.append(_card(_number(read, sgbm[read]), MEANINGS[read].unit, said))
    if result.scale:
        cards.append(_scale(result.scale))
    return f'<div class="cards">{"".join(cards)}</div>'


def metric_table(result: Result) -> str:
    """Every metric of the prediction and the baselines; blank: not supported by the data."""
    methods = {"prediction": result.metrics, **result.baselines}
    titles = [BASELINE_TITLES.get(name, name) for name in methods]
    names = [n for n in METRICS if any(n in scores for scores in methods.values())]
    heads = [f"<th>{escape(title)}</th>" for title in titles]
    if result.intervals:
        heads.insert(1, "<th>95 % interval</th>")
    rows = "".join(_metric_row(name, list(methods.values()), result) for name in names)
    return (
        f"<table><thead><tr><th>metric</th><th></th>{''.join(heads)}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def protocol_table(evaluation: Evaluation) -> str:
    """One row for each protocol."""
    heads, *rows = protocol_cells(evaluation)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join(
        f"<tr><th>{escape(name)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for name, *cells in rows
    )
    return f'<table class="protocols"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def protocol_lines(evaluation: Evaluation) -> list[str]:
    """The same as plain text."""
    cells = protocol_cells(evaluation)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def protocol_cells(evaluation: Evaluation) -> list[list[str]]:
    """The table's heading and rows: protocol, alignment, frames, metrics, scale.

    What was left out of a protocol as too sparse stands beside its frames; the first metric has
    its 95 % interval.
    """
    results = evaluation.results
    names = [n for n in COLUMNS if any(n in result.metrics for result in results)]
    heads = ["protocol", "alignment", "frames", *(f"{n} {MEANINGS[n].better}" for n in names)]
    rows = [
        [result.protocol.name, result.protocol.alignment, _frames(result)]
        + [_with_interval(name, result, name == names[0]) for name in names]
        + [_ratio(result.scale)]
        for result in results
    ]
    return [[*heads, "scale"], *rows]


def skipped_list(evaluation: Evaluation) -> str:
    """The frames that could not be read, with the reason."""
    if not evaluation.skipped:
        return ""
    items = "".join(f"<li>frame {s['frame']}: {escape(s['why'])}</li>" for s in evaluation.skipped)
    count = len(evaluation.skipped)
    first = evaluation.first
    title = f"{count} of {count + first.frames + len(first.sparse)} frames skipped"
    said = "They could not be read, or have no prediction, and are in no number on this page."
    return f'<section class="warning"><h2>{title}</h2><p>{said}</p><ul>{items}</ul></section>'


def _metric_row(name: str, methods: list[dict[str, float]], result: Result) -> str:
    means = MEANINGS[name]
    numbers = [_number(name, m[name]) if name in m else "" for m in methods]
    if result.intervals:
        numbers.insert(1, _interval(name, result))
    cells = "".join(f"<td>{number}</td>" for number in numbers)
    unit = f", {means.unit}" if means.unit else ""
    return (
        f"<tr><th><code>{name}</code> {means.better}</th>"
        f'<td class="what">{means.what}{unit}</td>{cells}</tr>'
    )


def _own(result: Result, name: str, kind: str = "") -> str:
    said, aligned = MEANINGS[name].what, result.protocol.alignment
    if name == "mae_mm":
        said += ", unscaled" if aligned == "none" else f", after {aligned} scaling of each frame"
    return _card(_number(name, result.metrics[name]), MEANINGS[name].unit, said, kind)


def _comparison(name: str, value: float, against: float) -> list[str]:
    means = MEANINGS[name]
    said = f"baseline: {BASELINE_TITLES[AGAINST[name]]}"
    cards = [_card(_number(name, against), means.unit, said)]
    if means.better == "↓" and against > 0:
        share = 1 - value / against
        side, kind = ("below", "good") if share >= 0 else ("above", "bad")
        cards.append(_card(f"{abs(share):.0%}", side, "this baseline", kind))
    return cards


def _scale(scale: dict[str, float]) -> str:
    said = "true over predicted depth (median of frames ± relative spread); 1 = right scale"
    return _card(f"{scale['median_ratio']:.3f}", f"± {scale['std_ratio']:.3f}", said)


def _frames(result: Result) -> str:
    left_out = f" ({len(result.sparse)} too sparse)" if result.sparse else ""
    return f"{result.frames}{left_out}"


def _with_interval(name: str, result: Result, told: bool) -> str:
    if name not in result.metrics:
        return ""
    number = _number(name, result.metrics[name])
    return f"{number} {_interval(name, result)}" if told and name in result.intervals else number


def _interval(name: str, result: Result) -> str:
    if name not in result.intervals:
        return ""
    low, high = result.intervals[name]
    return f"[{_number(name, low)}, {_number(name, high)}]"


def _ratio(scale: dict[str, float]) -> str:
    return f"{scale['median_ratio']:.3f} ± {scale['std_ratio']:.3f}" if scale else ""


def _number(name: str, value: float) -> str:
    return f"{value:.{MEANINGS[name].digits}f}"


def _card(number: str, unit: str, said: str, kind: str = "") -> str:
    return (
        f'<div class="card {kind}"><b>{number}<small> {unit}</small></b>'
        f"<span>{escape(said)}</span></div>"
    )
