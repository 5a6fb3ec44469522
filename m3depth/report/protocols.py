"""The table of one set of predictions under several protocols."""

from m3depth.evaluation.result import Evaluation, Result
from m3depth.report.metric_labels import METRIC_LABELS, interval, number

COLUMNS = ("mae_mm", "abs_rel", "sq_rel_mm", "rmse_mm", "rmse_log", "d1", "ssim", "density")


def protocol_lines(evaluation: Evaluation) -> list[str]:
    """The table as plain text."""
    cells = protocol_cells(evaluation)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def protocol_cells(evaluation: Evaluation) -> list[list[str]]:
    """The table's heading and rows: protocol, alignment, frames, metrics, scale.

    Where frames are left out, it says of how many it counted; the first metric has its 95 %
    interval. The parts of the set that a protocol tells come below it.
    """
    results = evaluation.results
    names = [n for n in COLUMNS if any(n in result.metrics for result in results)]
    heads = ["protocol", "alignment", "frames", *(f"{n} {METRIC_LABELS[n].better}" for n in names)]
    rows = [row for result in results for row in (_row(result, names), *_parts(result, names))]
    return [[*heads, "scale"], *rows]


def _row(result: Result, names: list[str]) -> list[str]:
    told = [_with_interval(name, result, name == names[0]) for name in names]
    own = result.protocol
    return [own.name, own.alignment, _frames(result), *told, _ratio(result.scale)]


def _parts(result: Result, names: list[str]) -> list[list[str]]:
    own = result.protocol
    return [
        [f"{own.name}, {part}", own.alignment, ""]
        + [number(name, metrics[name]) if name in metrics else "" for name in names]
        + [""]
        for part, metrics in result.parts.items()
    ]


def _frames(result: Result) -> str:
    return f"{result.frames}" + (f" of {result.frames_of}" if result.left_out else "")


def _with_interval(name: str, result: Result, told: bool) -> str:
    if name not in result.metrics:
        return ""
    value = number(name, result.metrics[name])
    return f"{value} {interval(name, result)}" if told and name in result.intervals else value


def _ratio(scale: dict[str, float]) -> str:
    return f"{scale['median_ratio']:.3f} ± {scale['std_ratio']:.3f}" if scale else ""
