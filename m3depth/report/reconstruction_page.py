"""The report of a reconstruction: the path, K, the surface, and their errors."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from m3depth.geometry.tsdf import Mesh
from m3depth.io.files import write_text
from m3depth.reconstruction.followed import Followed
from m3depth.reconstruction.unit import Unit
from m3depth.report.camera_charts import SAID, camera_sections, path_chart, score_table
from m3depth.report.html import card, chart, figure, footer, page, section, wide
from m3depth.report.mesh_picture import draw_mesh
from m3depth.types import Track

OPEN_SCALE = (
    "The scale is not known: everything here is up to one factor. It was chosen so that the "
    "median depth is 50 units; with a rig's right view in the training, or with anchor=, pairs= or "
    "lamp= here, it would be millimetres."
)


def write_reconstruction_report(
    path: Path,
    title: str,
    track: Track,
    followed: Followed,
    mesh: Mesh,
    unit: Unit,
    record: Mapping[str, Any],
    scores: Mapping[str, Any],
    notes: Mapping[str, str],
) -> None:
    """Write the page.

    Args:
        path: The HTML file.
        title: The page's title.
        track: The camera, in ``unit``.
        followed: What was seen, and what the data know.
        mesh: The surface.
        unit: Of path and surface.
        record: Counts, see `m3depth.cli.reconstruct`.
        scores: What `metrics.json` says; empty where there is no truth.
        notes: What a reader needs to repeat it.

    Raises:
        UserError: the file cannot be written.
    """
    poses = track.camera_to_world.double().numpy()
    body = [
        f'<h1>{escape(title)}</h1><p class="lead">{escape(_lead(record, unit))}</p>',
        f'<div class="cards">{"".join(_cards(record, scores, unit))}</div>',
        "" if unit.metric else section("Up to scale", OPEN_SCALE, ""),
        _ledger(record),
        _sure_of_k(record),
        _surface(mesh, poses, unit, scores),
        camera_sections(
            *(scores, poses, followed.true_poses, track.cameras, followed.rigs, unit.name),
            k_doubt=_k_doubt(record),
        ),
        _skipped(followed),
        footer(notes),
    ]
    write_text(path, page(title, "".join(body)))


def _lead(record: Mapping[str, Any], unit: Unit) -> str:
    loops = f", {record['loops']} places seen again" if record["loops"] else ""
    return (
        f"{record['frames']} of {record['frames_of']} frames{loops} · surface of "
        f"{record['triangles']:,} triangles, voxels of {record['voxel']:g} · unit: {unit.name}"
    )


def _ledger(record: Mapping[str, Any]) -> str:
    """Where the millimetres are from, if the motion did not say them."""
    if "millimetres" not in record:
        return ""
    told = record["millimetres"]
    said = [f"By {told['from']}: one factor for the path and for all depth."]
    if told.get("interval_95_mm"):
        low, high = told["interval_95_mm"]
        depth = f"{told['depth_mm']:.1f} mm lies between {low:.1f} and {high:.1f} mm"
        said.append(f"A depth told as {depth} with 95 % probability, and all others likewise.")
    elif "interval_95" in told:
        low, high = (one / told["factor"] for one in told["interval_95"])
        said.append(f"It is right to within {low:.3f} and {high:.3f} times with 95 % probability.")
    else:
        said.append("How sure it is cannot be told: there are too few anchors.")
    if told.get("held_back") is not None:
        said.append(f"An anchor is {told['held_back']:.1%} off by a fit to the others.")
    return section("Where the millimetres are from", " ".join(said), "")


def _cards(record: Mapping[str, Any], scores: Mapping[str, Any], unit: Unit) -> list[str]:
    length = f"{record['path_length']:.1f}"
    told = unit.name if unit.metric else "units"
    cards = [card(length, told, f"length of the path, {unit.name}", "main")]
    path, K, surface = (scores.get(name) for name in ("trajectory", "intrinsics", "surface"))
    if path and "ate_share" in path:
        cards.append(card(f"{path['ate_share']:.1%}", "", "path error (ATE) of the path's length"))
    if path:
        cards.append(card(f"{path['rotation_deg']:.2f}", "° a step", "rotation error"))
    if K and K["identifiable"]:
        cards.append(card(f"{K['fx_share']:.1%}", "", "error of fx"))
    if surface:
        said = "of the surface within 2 mm, both ways (F-score)"
        cards.append(card(f"{surface['fscore_2mm']:.2f}", "", said))
    return cards


def _surface(mesh: Mesh, poses: np.ndarray[Any, Any], unit: Unit, scores: Mapping[str, Any]) -> str:
    places = poses[:, :3, 3]
    pictures = {"as the cameras see it": False, "from aside": True}
    shown = "".join(
        figure(draw_mesh(mesh, places, aside), told) for told, aside in pictures.items()
    )
    body = f'<div class="row"><div>{shown}</div></div>'
    body += chart(path_chart({"path": places}, unit.name, mesh.points, mesh.colours))
    if "surface" in scores:
        body += wide(score_table(scores["surface"]))
    said = "In blue the camera's path, with a dot where it begins. "
    return section("The surface", said + (SAID["surface"] if "surface" in scores else ""), body)


def _k_doubt(record: Mapping[str, Any]) -> str:
    found = record.get("K", {"identifiable": True})
    return "" if found["identifiable"] else f"K is {not_told(found)}."


def not_told(found: Mapping[str, Any]) -> str:
    """That this video does not tell K."""
    told = found["uncertain"]
    return (
        "not identifiable from this video: by the curvature of the reprojection error the focal "
        f"length is uncertain by {told['focal']:.0%}, the principal point by {told['cx']:.0%} and "
        f"{told['cy']:.0%} of the width; the camera must turn, or K be given: do not use this one"
    )


def _sure_of_k(record: Mapping[str, Any]) -> str:
    found = record.get("K")
    if found is None:
        return ""
    if not found["identifiable"]:
        said = f"<p>{escape(_k_doubt(record))}</p>"
        return f'<section class="warning"><h2>K is not identifiable</h2>{said}</section>'
    told = found["uncertain"]
    said = (
        f"By the curvature of the reprojection error K is known to {told['focal']:.1%} of the "
        f"focal length, and {told['cx']:.1%} and {told['cy']:.1%} of the width."
    )
    return section("How sure K is", said, "")


def _skipped(followed: Followed) -> str:
    if not followed.skipped:
        return ""
    items = "".join(
        f"<li>frame {place}: {escape(why)}</li>" for place, why in followed.skipped.items()
    )
    return (
        f'<section class="warning"><h2>{len(followed.skipped)} frames left out</h2>'
        f"<ul>{items}</ul></section>"
    )
