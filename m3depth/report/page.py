"""The report: one HTML file with everything in it, which opens without a network."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from m3depth.evaluation.averaging import FEW_VIDEOS
from m3depth.evaluation.protocol import Protocol
from m3depth.evaluation.result import Evaluation, Result
from m3depth.io.files import write_text
from m3depth.report import plots, protocols, rows, tables
from m3depth.report.curves import curve_figures, read_curves
from m3depth.report.depth_rows import DepthRows
from m3depth.report.disparity_rows import DisparityRows
from m3depth.report.html import chart, footer, page, section, text_table, wide


def write_report(
    path: Path,
    title: str,
    evaluation: Evaluation,
    curves: Path | None = None,
    notes: Mapping[str, str] | None = None,
    camera: str = "",
) -> None:
    """Write the report of an evaluation, and of the training that led to it.

    Args:
        path: The HTML file.
        title: The page's title.
        evaluation: The numbers and the frames to show.
        curves: A training's `metrics.csv`, None for an evaluation alone.
        notes: What a reader needs to repeat it, as name and text: command, checkpoint,
            configuration. A text of several lines is folded away.
        camera: Sections about the camera's path and K, as HTML.

    Raises:
        UserError: The file cannot be written.
    """
    shown = evaluation.chosen + evaluation.worst
    pictured = rows.rows_for(shown)
    first = evaluation.first
    sections = [
        _head(title, evaluation),
        tables.headline(first),
        tables.warning_list(evaluation),
        tables.counted_lines(evaluation),
        tables.skipped_list(evaluation),
        _protocols(evaluation),
        section("Metrics", _how_averaged(evaluation), wide(tables.metric_table(first))),
        _errors(evaluation),
        _confidence(evaluation),
        _training(curves),
        _pictures(evaluation, pictured),
        _cloud(evaluation, pictured),
        camera,
        footer(notes or {}),
    ]
    write_text(path, page(title, "".join(sections)))


def _head(title: str, evaluation: Evaluation) -> str:
    first = evaluation.first
    protocol = first.protocol
    counted = f", {first.valid_pixels:,} pixels of known depth" if first.scale else ""
    frames = f"{first.frames:,} frame" + ("s" if first.frames > 1 else "")
    return (
        f'<h1>{escape(title)}</h1><p class="lead">{frames}{counted} · '
        f"protocol {escape(protocol.name)}: {_range(protocol)}, alignment "
        f"{escape(protocol.alignment)}</p>"
    )


def _range(protocol: Protocol) -> str:
    low, high = protocol.min_mm, protocol.max_mm
    if low == 0 and high == float("inf"):
        return "every known depth"
    return f"true depths of {low:g} to {high:g} mm"


def _how_averaged(evaluation: Evaluation) -> str:
    first = evaluation.first
    within = f"Under the protocol {first.protocol.name}" if len(evaluation.results) > 1 else "Means"
    return (
        f"{within}. ↓ smaller is better, ↑ larger is better. Blank: the data or the method cannot "
        f"support it. 95 % intervals by a bootstrap over {_drawn(first)}. Baselines are scored "
        "under the same protocol; best constant and best shift are found on the test frame itself. "
        "What is better than the prediction is red, with a cross."
    )


def _drawn(result: Result) -> str:
    if result.blocks == "frames":
        return "frames (too narrow if they are neighbours in one video)"
    few = " (too narrow: so few)" if result.videos < FEW_VIDEOS else ""
    return f"{result.videos} videos{few}"


def _protocols(evaluation: Evaluation) -> str:
    """One set of predictions under each protocol; "" when there is but one."""
    if len(evaluation.results) < 2:
        return ""
    said = (
        "The same predictions under each protocol. Rows of different alignment do not compare: "
        "only alignment none needs the prediction to be metric. Scale is the true depth over the "
        "predicted one before any alignment, median ± relative spread over frames."
    )
    return section("Protocols", said, wide(text_table(protocols.protocol_cells(evaluation))))


def _errors(evaluation: Evaluation) -> str:
    figure = plots.frame_errors(evaluation)
    return section("Error by frame", "", chart(figure)) if figure is not None else ""


def _confidence(evaluation: Evaluation) -> str:
    first = evaluation.first
    figures = [plots.reliability(first), plots.risk_coverage(first)]
    charts = "".join(chart(figure) for figure in figures if figure is not None)
    if not charts:
        return ""
    ranked = first.reliability.ranked.items()
    said = [f"{_left_out(name, one.record())} " for name, one in ranked]
    below = "Below the dotted line of the first chart the network is too confident."
    return section("Confidence", "".join(said) + below, f'<div class="charts">{charts}</div>')


def _left_out(name: str, known: Mapping[str, float]) -> str:
    """What leaving out the least confident does; ``name``: of pixels, or of frames."""
    way = f": {known['share']:.0%} of the way to a perfect order" if "share" in known else ""
    return (
        f"Without the least confident {known['dropped']:.0%} of the {name} the error is "
        f"{known['mae_mm_without_least_confident']:.2f} mm instead of {known['mae_mm']:.2f}; "
        f"without those with the largest errors it would be "
        f"{known['mae_mm_without_largest_errors']:.2f}. Area under the curve "
        f"{known['area_mm']:.2f} mm{way}."
    )


def _training(curves: Path | None) -> str:
    figures = curve_figures(read_curves(curves)) if curves is not None else []
    if not figures:
        return ""
    charts = "".join(chart(figure) for figure in figures)
    return section("Training", "Over training steps.", f'<div class="charts">{charts}</div>')


def _pictures(evaluation: Evaluation, pictured: DepthRows | DisparityRows) -> str:
    told = {
        "Frames": ("Spread evenly over the set.", evaluation.chosen),
        "Worst frames": ("The frames with the largest error, the worst first.", evaluation.worst),
    }
    if evaluation.first.frames == len(evaluation.worst):  # the chosen ones would be the same again
        told = {"Frames": ("All frames, the worst first.", evaluation.worst)}
    bars = f'<div class="bars">{pictured.bars()}</div>'
    shared = " All rows of this page share one range of colours."
    return "".join(
        section(title, said + shared, bars + rows.table(pictured, frames))
        for title, (said, frames) in told.items()
        if frames
    )


def _cloud(evaluation: Evaluation, pictured: DepthRows | DisparityRows) -> str:
    if not isinstance(pictured, DepthRows):
        return ""
    frame = evaluation.chosen[0]
    figure = plots.cloud(frame, pictured.range_mm[1])
    said = (
        f"{frame.row.key}, predicted, in the left camera's axes (z away from it). Drag to turn; "
        "click a name in the legend to show or hide it."
    )
    return section("Point cloud", said, chart(figure)) if figure is not None else ""
