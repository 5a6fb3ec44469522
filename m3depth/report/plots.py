"""The interactive figures, as plotly draws them."""

import math
from typing import Any

import numpy as np
import torch

from m3depth.evaluation.result import Evaluation, Result, ShownFrame
from m3depth.geometry.points import back_project, pixel_grid
from m3depth.geometry.resizing import resized
from m3depth.imaging.bytes import to_picture
from m3depth.report.html import Figure

CLOUD_POINTS = 30_000  # beyond this, only every second, third ... row and column is drawn
GREY = "#8a94a1"  # shows on light and on dark
INKS = ("#3b82c4", "#d9822b")  # of pixels, and of frames
TRUTH_COLOUR = "#17becf"  # one that tissue does not have


def frame_errors(evaluation: Evaluation) -> Figure | None:
    """The error of every frame in the set's order; None for less than two."""
    import plotly.graph_objects as go

    first = evaluation.first
    rows = [row for row in first.rows if "mae_mm" in row.scores]
    if len(rows) < 2:
        return None
    errors = [row.scores["mae_mm"] for row in rows]
    bars = go.Bar(
        x=[row.position for row in rows],
        y=errors,
        customdata=[row.key for row in rows],
        hovertemplate="%{customdata}<br>%{y:.2f} mm<extra></extra>",
        marker_color="#3b82c4",
    )
    figure = styled(go.Figure(bars), "", "frame", "MAE, mm")
    mean = first.metrics["mae_mm"]
    return figure.add_hline(y=mean, line_dash="dot", line_color=GREY, annotation_text="mean")


def reliability(result: Result) -> Figure | None:
    """How often pixels are right, over their confidence; None without confidences."""
    import plotly.graph_objects as go

    known = result.reliability.record()
    if not known:
        return None
    hover = "confidence %{x:.0%}, right %{y:.0%}<extra></extra>"
    dotted = {"dash": "dot", "color": GREY}
    lines = [
        go.Scatter(
            x=known["told"],
            y=known["right"],
            mode="lines+markers",
            name="pixels, in ten groups",
            line_color="#3b82c4",
            hovertemplate=hover,
        ),
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name="ideal", line=dotted),
    ]
    within = f"within {known['within_mm']:g} mm"
    figure = styled(go.Figure(lines), "", f"confidence: probability of being {within}", within)
    # below the axis' title
    figure.update_layout(legend_y=-0.25, height=360, margin_b=80)
    return figure.update_xaxes(range=[0, 1], tickformat=".0%").update_yaxes(
        range=[0, 1], tickformat=".0%"
    )


def risk_coverage(result: Result) -> Figure | None:
    """The error of the most confident pixels and frames; None without confidences."""
    import plotly.graph_objects as go

    lines = []
    for (name, ranked), colour in zip(result.reliability.ranked.items(), INKS, strict=False):
        points = ranked.curves()
        for which, said, dash in (("risk_mm", "", "solid"), ("perfect_mm", ", by error", "dot")):
            line = {"color": colour, "dash": dash}
            x, y = points["coverage"], points[which]
            lines.append(go.Scatter(x=x, y=y, mode="lines", name=f"{name}{said}", line=line))
    if not lines:
        return None
    figure = styled(go.Figure(lines), "", "the most confident share", "MAE, mm")
    figure.update_layout(legend_y=-0.25, height=360, margin_b=80)  # below the axis' title
    return figure.update_xaxes(range=[0, 1], tickformat=".0%").update_yaxes(rangemode="tozero")


def cloud(frame: ShownFrame, far_mm: float) -> Figure | None:
    """The frame's points in the left camera's axes, coloured by the image; None without depth.

    Points beyond twice ``far_mm`` are left out: one of them would dwarf the scene.
    """
    import plotly.graph_objects as go

    if frame.depth_mm is None:
        return None
    traces = [_points(frame, frame.depth_mm, "prediction", far_mm)]
    if frame.truth is not None:
        known_mm = frame.truth.depth_mm * frame.truth.counts
        truth = _points(frame, known_mm, "truth", far_mm)
        traces.append(truth.update(visible="legendonly", marker_color=TRUTH_COLOUR))
    figure = styled(go.Figure(traces), "", "", "")
    axes = {f"{axis}axis": {"title": f"{axis}, mm", "showbackground": False} for axis in "xyz"}
    # as the camera sees it, from a little aside: y down, z away
    camera = {"eye": {"x": 0.7, "y": -0.8, "z": -1.9}, "up": {"x": 0, "y": -1, "z": 0}}
    return figure.update_layout(
        height=560,
        scene={"aspectmode": "data", "camera": camera, **axes},
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        legend={"itemsizing": "constant", "y": 1},
    )


def _points(frame: ShownFrame, depth_mm: torch.Tensor, name: str, far_mm: float) -> Any:
    import plotly.graph_objects as go

    height, width = depth_mm.shape[-2:]
    rig = frame.truth.rig if frame.truth is not None else frame.batch["rig"]
    x, y, z = pixel_grid(depth_mm)
    step = math.ceil(math.sqrt(height * width / CLOUD_POINTS))
    drawn = (x % step == 0) & (y % step == 0) & (z > 0) & (z < 2 * far_mm)
    kept = torch.nonzero(drawn[0])[:, 0]
    points = back_project(x[:, kept], y[:, kept], z[:, kept], rig)[0].numpy()
    image = to_picture(resized(frame.batch["left"], (height, width))[0])
    colours = image.reshape(-1, 3)[kept.numpy()]
    right, down, away = (np.round(axis, 2).astype(np.float32) for axis in points.T)
    return go.Scatter3d(
        x=right,
        y=down,
        z=away,
        name=name,
        mode="markers",
        marker={"size": 2.5, "color": [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colours]},
        hovertemplate="x %{x:.1f}  y %{y:.1f}  z %{z:.1f} mm<extra>" + name + "</extra>",
        showlegend=True,
    )


def styled(figure: Figure, title: str, x: str, y: str) -> Figure:
    """Transparent, so that the page's light or dark ground shows; the page sets the ink."""
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zeroline": False}
    return figure.update_layout(
        template="none",
        title={"text": title, "font": {"size": 15}},
        xaxis={"title": x, **grid},
        yaxis={"title": y, "automargin": True, **grid},
        height=320,
        margin={"l": 60, "r": 20, "t": 50 if title else 10, "b": 45},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": -0.12, "yanchor": "top"},
    )
