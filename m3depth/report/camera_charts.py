"""The camera's path and K, drawn, and their errors in a table."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from m3depth.evaluation.trajectory import Poses, similarity
from m3depth.report.html import Figure, chart, section, wide
from m3depth.report.plots import GREY, TRUTH_COLOUR, styled
from m3depth.types import StereoRig

ESTIMATE_COLOUR = "#3b82c4"
SHOWN = 20_000  # points of a surface
DIGITS = 4

Points = Float64[NDArray[np.float64], "n 3"]

SAID = {
    "trajectory": "Against the data's own poses. ate: root mean squared distance of the positions "
    "after the one similarity that fits the whole path best. snippets: pieces of 5 frames, each of "
    "its own scale; AF-SfMLearner prints ate_over_n.",
    "intrinsics": "Against the data's own K, frame by frame. scale_adjusted: after each K was "
    "multiplied so that its focal lengths are right in the mean, which hides a global error.",
    "surface": "Distances between the mesh and the surface that the data's own depth and poses "
    "show. registered: after the similarity that fits both best, so of the shape alone.",
}


def path_chart(
    paths: Mapping[str, Points],
    unit: str,
    points: Float64[NDArray[np.float64], "m 3"] | None = None,
    colours: Float64[NDArray[np.float64], "m 3"] | None = None,
) -> Figure:
    """Paths, by name, in the first camera's axes, and a surface's points; drag to turn.

    Args:
        paths: The first is the estimate.
        unit: Of all numbers, for the axes.
        points: Of the surface.
        colours: Theirs, 0 to 1.
    """
    import plotly.graph_objects as go

    traces: list[Any] = []
    for (name, path), colour in zip(paths.items(), (ESTIMATE_COLOUR, TRUTH_COLOUR), strict=False):
        x, y, z = np.round(path, 3).T
        marked = {"size": 2.5, "color": colour}
        line = {"color": colour, "width": 4}
        traces.append(
            go.Scatter3d(x=x, y=y, z=z, name=name, mode="lines+markers", line=line, marker=marked)
        )
    if points is not None and colours is not None:
        some = np.linspace(0, len(points) - 1, min(SHOWN, len(points))).astype(int)
        x, y, z = np.round(points[some], 2).astype(np.float32).T
        rgb = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.rint(255 * colours[some]).astype(int)]
        marked = {"size": 2, "color": rgb}
        traces.append(go.Scatter3d(x=x, y=y, z=z, name="surface", mode="markers", marker=marked))
    figure = styled(go.Figure(traces), "", "", "")
    axes = {f"{axis}axis": {"title": f"{axis}, {unit}", "showbackground": False} for axis in "xyz"}
    # as the first camera sees it, from a little aside: y down, z away
    eye = {"eye": {"x": 0.9, "y": -0.9, "z": -1.6}, "up": {"x": 0, "y": -1, "z": 0}}
    return figure.update_layout(
        height=520,
        scene={"aspectmode": "data", "camera": eye, **axes},
        margin={"l": 0, "r": 0, "t": 10, "b": 0},
        legend={"itemsizing": "constant", "y": 1},
    )


def camera_charts(estimated: StereoRig, true: StereoRig | None) -> list[Figure]:
    """The focal lengths and the principal point over the frames."""
    return [
        _over_frames("focal length, px", ("fx", "fy"), estimated, true),
        _over_frames("principal point, px", ("cx", "cy"), estimated, true),
    ]


def _over_frames(
    title: str, names: Sequence[str], estimated: StereoRig, true: StereoRig | None
) -> Figure:
    import plotly.graph_objects as go

    traces = []
    for name, dash in zip(names, ("solid", "dot"), strict=True):
        for one, who, colour in ((estimated, "", ESTIMATE_COLOUR), (true, ", true", GREY)):
            if one is not None:
                values = getattr(one, name).double().cpu().numpy()
                line = {"color": colour, "dash": dash}
                frames = np.arange(len(values))
                traces.append(go.Scatter(x=frames, y=values, name=f"{name}{who}", line=line))
    return styled(go.Figure(traces), "", "frame", title)


def compared_paths(estimated: Poses, true: Poses | None) -> dict[str, Points]:
    """The estimate and, moved onto it by the best similarity, the truth: both by name."""
    places = estimated[:, :3, 3]
    if true is None:
        return {"path": places}
    there = true[:, :3, 3]
    return {"path": places, "true path, aligned": similarity(there, places).apply(there)}


def camera_sections(
    record: Mapping[str, Any],
    estimated: Poses,
    true: Poses | None,
    cameras: StereoRig | None,
    true_cameras: StereoRig | None,
    unit: str,
    k_doubt: str = "",
) -> str:
    """The path and K of a video, with the errors that ``record`` has of them, as HTML.

    Where ``k_doubt`` says why K is not known, that stands in the place of its numbers.
    """
    paths = compared_paths(estimated, true)
    body = chart(path_chart(paths, unit))
    if "trajectory" in record:
        body += wide(score_table(record["trajectory"]))
    found = section("Path of the camera", SAID["trajectory"] if true is not None else "", body)
    if cameras is None:
        return found
    if k_doubt:
        return found + section("K of the camera", k_doubt, "")
    charts = "".join(map(chart, camera_charts(cameras, true_cameras)))
    body = f'<div class="charts">{charts}</div>'
    if "intrinsics" in record:
        body += wide(score_table(record["intrinsics"]))
    said = SAID["intrinsics"] if "intrinsics" in record else "At the frames' own size."
    return found + section("K of the camera", said, body)


def score_table(scores: Mapping[str, Any], prefix: str = "") -> str:
    """Names and numbers; what has numbers of its own is named before them."""
    rows = "".join(_rows(scores, prefix))
    return f"<table><tbody>{rows}</tbody></table>"


def _rows(scores: Mapping[str, Any], prefix: str) -> list[str]:
    rows: list[str] = []
    for name, value in scores.items():
        if isinstance(value, Mapping):
            rows += _rows(value, f"{prefix}{name}.")
            continue
        told = f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)
        label = f"<code>{escape(prefix + name)}</code>"
        rows.append(f"<tr><th>{label}</th><td>{escape(told)}</td></tr>")
    return rows
