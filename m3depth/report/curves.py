"""Curves over the steps of a training or a fit."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from m3depth.report.html import Figure
from m3depth.report.plots import GREY, styled

SHRINK = "shrink"  # the column with the number that both sides of the images are divided by
LOG_RATIO = 3.0  # a curve that spans more than this is drawn over a logarithmic axis
NO_TERMS = ("/loss", "/error", "/left_out", "_mm", "abs_rel")  # or a chart of their own

Curves = dict[str, tuple[list[float], list[float]]]  # name -> steps, values


class CurvePanel(NamedTuple):
    """One chart of training curves."""

    title: str
    shows: Callable[[str], bool]  # which columns
    log: bool = False  # draw a wide range over a logarithmic axis


PANELS = (
    CurvePanel("Loss", lambda name: name.endswith("/loss"), log=True),
    CurvePanel("Terms of the loss", lambda n: "/" in n and not n.endswith(NO_TERMS), log=True),
    CurvePanel("Expected error: negative log-likelihood", lambda name: name.endswith("/error")),
    CurvePanel("Validation error, mm", lambda name: name.endswith("_mm")),
    CurvePanel("Learning rate", lambda name: name.startswith("lr")),
)


def read_curves(path: Path) -> Curves:
    """The columns of a `metrics.csv` over its `step`; blank cells are left out."""
    curves: Curves = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for name, cell in row.items():
                if cell and name not in ("step", "epoch"):
                    steps, values = curves.setdefault(name, ([], []))
                    steps.append(float(row["step"]))
                    values.append(float(cell))
    return curves


def curve_figures(curves: Curves, panels: Sequence[CurvePanel] = PANELS) -> list[Figure]:
    """One figure for each panel that has something to show."""
    shown = [(p, {n: c for n, c in curves.items() if p.shows(n)}) for p in panels]
    changes = size_changes(curves)
    return [_curves(panel, columns, changes) for panel, columns in shown if columns]


def size_changes(curves: Curves) -> dict[float, str]:
    """The steps from which on pictures had another size, and which: losses jump there."""
    steps, shrinks = curves.get(SHRINK, ([], []))
    changed = [i for i in range(1, len(steps)) if shrinks[i] != shrinks[i - 1]]
    return {steps[i]: f"1/{shrinks[i]:g} size" if shrinks[i] > 1 else "full size" for i in changed}


def _curves(panel: CurvePanel, columns: Curves, changes: Mapping[float, str]) -> Figure:
    import plotly.graph_objects as go

    figure = go.Figure(
        [
            go.Scatter(x=steps, y=values, name=name, mode="lines" if len(steps) > 1 else "markers")
            for name, (steps, values) in columns.items()
        ]
    )
    figure = styled(figure, panel.title, "", "")
    for step, size in changes.items():
        figure.add_vline(x=step, line_dash="dot", line_color=GREY, annotation_text=size)
    values = np.concatenate([np.asarray(v) for _, v in columns.values()])
    wide = values.min() > 0 and values.max() > LOG_RATIO * values.min()
    logarithmic = panel.log and wide
    figure.update_layout(showlegend=True).update_xaxes(rangemode="tozero")
    return figure.update_yaxes(**({"type": "log"} if logarithmic else {"rangemode": "tozero"}))
