"""The report of an adaptation: what each level did, and held-back frames before and after."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from m3depth.adaptation.evidence import Witness
from m3depth.adaptation.frames import Frames
from m3depth.adaptation.model import Model
from m3depth.geometry.resizing import size_of
from m3depth.imaging.bytes import to_picture
from m3depth.imaging.figures import INVERSE_DEPTH_COLOURS, Map, Picture, colour
from m3depth.io.files import write_text
from m3depth.networks.finest import Finest
from m3depth.report.html import card, figure, footer, page, section, text_table, wide
from m3depth.types import StereoBatch

SHOWN = 4  # frames
MEASURES = {  # of the evidence: how the table calls it, and how it is written
    "off_matcher": ("off the matcher", "{:.1%}"),
    "rebuilt": ("re-synthesis error", "{:.3f}"),
    "scale": ("scale to the matcher's", "{:.3f}"),
    "scale_spread": ("its spread over frames", "{:.1%}"),
    "strange": ("strangeness", "{:.2f}"),
}
HELD_BACK = "Measured without labels, on frames that were held back from the adaptation."
THE_SAME = "Measured without labels, on the very frames that it was adapted to."
SAID = (
    "Off the matcher: "
    "mean difference from the depth of a left-right-checked stereo matcher, where it has one. "
    "Re-synthesis error: how badly the left image is rebuilt from the right one. A level is kept "
    "where the first falls by more than chance, or both fall and the two together by more than "
    "chance, and the second does not rise. Of "
    "relative depth, the first value is of a plane facing the camera. Strangeness: how far what "
    "the network's first layer sees is from what it normalises by."
)


def write_adaptation_report(
    path: Path, record: Mapping[str, Any], before: Model, after: Model, frames: Frames
) -> None:
    """Write the page.

    Args:
        path: The HTML file.
        record: What ``metrics.json`` says.
        before: The network as it was.
        after: As it is kept.
        frames: Those to judge by are shown.
    """
    title = "Adaptation" if record["helped"] else "Adaptation: nothing helped"
    counts = record["frames"]
    which = (
        "what is kept is in the checkpoint" if record["helped"] else "the checkpoint is as it was"
    )
    lead = f"{counts['adapt']} frames of {record['adapted_to']}, {counts['held_back']} held back · "
    lead += f"{record['seconds']:.0f} s · {which}"
    which_frames = HELD_BACK if counts["held_back"] else THE_SAME
    body = [
        f'<h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>',
        f'<div class="cards">{_cards(record["levels"])}</div>',
        section("Levels", f"{which_frames} {SAID}", wide(text_table(_rows(record["levels"])))),
        section(
            "Held-back frames" if counts["held_back"] else "Frames",
            _SCALE,
            _pictures(before.network, after.network, frames.judge),
        ),
        footer({"checkpoint": record["checkpoint"], "adapted to": record["adapted_to"]}),
    ]
    write_text(path, page(title, "".join(body), charts=False))


def _cards(levels: Sequence[Mapping[str, Any]]) -> str:
    """The first measure that is known, as it was and as it is now."""
    told = [one for one in levels if "before" in one]
    if not told:
        return ""
    kept = [one for one in told if one["kept"]]
    was, now = told[0]["before"], kept[-1]["after"] if kept else told[0]["before"]
    name = "off_matcher" if "off_matcher" in was else "strange"
    what, form = MEASURES[name]
    return card(form.format(was.get(name, np.nan)), "", f"{what} before") + card(
        form.format(now.get(name, np.nan)), "", f"{what} now", "main"
    )


def _rows(levels: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The table: a row for each level."""
    rows = [["level", "kept", *(what for what, _ in MEASURES.values()), "seconds", "said"]]
    for one in levels:
        cells = []
        for name, (_, form) in MEASURES.items():
            pair = [one.get(when, {}).get(name) for when in ("before", "after")]
            known = [form.format(value) for value in pair if value is not None]
            cells.append(" → ".join(known))
        said = one["said"] if "before" not in one else _found(one)
        rows.append(
            [one["level"], "yes" if one["kept"] else "no", *cells, f"{one['seconds']:.0f}", said]
        )
    return rows


def _found(entry: Mapping[str, Any]) -> str:
    """What a level found, beside its measures."""
    if "scale" in entry:
        sure = entry["deviation"]
        doubt = f" ± {sure:.1%}" if sure is not None else ""
        return (
            f"scale {entry['scale']:.3f}{doubt}, shift {entry['shift']:.4f}, {entry['pairs']} pairs"
        )
    if "kept_step" in entry:
        return f"step {entry['kept_step']} of {entry['steps']}, {entry['pairs']} pairs"
    return f"{entry['images']} images, {entry['layers']} layers" if "images" in entry else ""


_SCALE = "Disparity: near is red. The pictures of a frame have one range of colours."


def _pictures(before: nn.Module, after: nn.Module, frames: Sequence[StereoBatch]) -> str:
    """Image, depth before, depth now and the matcher's, a row for each frame."""
    shown = list(frames[:: max(1, len(frames) // SHOWN)][:SHOWN])
    witness = Witness(shown)
    rows = []
    for sample, matched in zip(shown, witness.matched, strict=True):
        maps = {"before": _map(before, sample), "now": _map(after, sample)}
        if matched is not None:
            maps["stereo matcher"] = (matched / size_of(sample["left"])[1])[0, 0].numpy()
        low, high = _range(maps)
        cells = [figure(to_picture(sample["left"]), "left image")]
        cells += [figure(_coloured(one, low, high), name) for name, one in maps.items()]
        key = escape(str(sample["key"]))
        rows.append(f'<div class="row"><p><code>{key}</code></p><div>{"".join(cells)}</div></div>')
    return "".join(rows)


def _map(network: nn.Module, sample: StereoBatch) -> Map:
    with torch.inference_mode():
        values: Map = Finest(network)(sample["left"][None]).relative().values[0, 0].cpu().numpy()
    return values


def _range(maps: Mapping[str, Map]) -> tuple[float, float]:
    """Of the matcher's, where there is one, else of the network's as it is now."""
    trusted = maps.get("stereo matcher", maps["now"])
    low, high = np.percentile(trusted[trusted > 0], (1, 99)) if (trusted > 0).any() else (0.0, 1.0)
    return float(low), max(float(high), float(low) + 1e-6)


def _coloured(values: Map, low: float, high: float) -> Picture:
    return colour(values, low, high, INVERSE_DEPTH_COLOURS, values > 0)
