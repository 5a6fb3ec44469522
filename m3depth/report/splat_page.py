"""The report of a fit: its scores, its curves and its pictures."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from m3depth.io.files import write_text
from m3depth.priors.edits import few
from m3depth.report.curves import CurvePanel, Curves, curve_figures
from m3depth.report.html import card, chart, footer, page, section, wide
from m3depth.report.splat_pictures import held_out
from m3depth.splatting.scores import RenderedView

PANELS = (
    CurvePanel("Loss", lambda name: name == "loss", log=True),
    CurvePanel("Its parts", lambda name: name not in ("loss", "gaussians"), log=True),
    CurvePanel("Gaussians", lambda name: name == "gaussians"),
)
PICTURES = ("psnr", "ssim", "lpips")  # absent where tools cover every held-out frame
WORDS = {
    "psnr": ("peak signal-to-noise ratio of the tissue", "dB", "↑", 2),
    "ssim": ("structural similarity of the tissue", "", "↑", 4),
    "lpips": ("perceptual distance of the tissue (LPIPS, AlexNet)", "", "↓", 4),
    "mae_mm": ("mean absolute error of depth", "mm", "↓", 3),
    "abs_rel": ("error relative to the true depth", "", "↓", 4),
    "rmse_mm": ("root mean squared error of depth", "mm", "↓", 3),
    "density": ("tissue for which there is a depth", "", "↑", 4),
}


def write_splat_report(
    path: Path,
    title: str,
    record: Mapping[str, Any],
    found: Sequence[RenderedView],
    curves: Curves,
    notes: Mapping[str, str],
) -> None:
    """Write the page.

    Args:
        path: The HTML file.
        title: The page's title.
        record: What `metrics.json` says.
        found: The held-out frames.
        curves: The loss, its parts and the number of Gaussians, over iterations.
        notes: What a reader needs to repeat it.

    Raises:
        UserError: The file cannot be written.
    """
    charts = "".join(chart(figure) for figure in curve_figures(curves, PANELS))
    lead = (
        f"{record['frames']} held-out frames · {record['gaussians']:,} Gaussians · "
        f"{record['iterations']:,} iterations in {record['seconds']:.0f} s"
    )
    body = "".join(
        [
            f'<h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>',
            f'<div class="cards">{"".join(_cards(record))}</div>',
            section("Metrics", f"{_said(record)}{_reserved(record)}", wide(_table(record))),
            section("The fit", "Over iterations.", f'<div class="charts">{charts}</div>'),
            held_out(found),
            footer(notes),
        ]
    )
    write_text(path, page(title, body))


def _cards(record: Mapping[str, Any]) -> list[str]:
    metrics, cards = record["metrics"], []
    if "mae_mm" in metrics:
        cards.append(_card("mae_mm", metrics["mae_mm"], "depth error against the truth", "main"))
    cards += [_card(name, metrics[name], WORDS[name][0]) for name in PICTURES if name in metrics]
    if "mae_mm" in record.get("baselines", {}).get("prior", {}):
        said = "depth error of the prior itself, where it has a depth"
        cards.append(_card("mae_mm", record["baselines"]["prior"]["mae_mm"], said))
    return cards


def _card(name: str, value: float, said: str, kind: str = "") -> str:
    _, unit, _, digits = WORDS[name]
    return card(f"{value:.{digits}f}", unit, said, kind)


def _said(record: Mapping[str, Any]) -> str:
    if "median_scaled" not in record:
        return (
            "No truth was given: the depth is compared with the prior alone, which says how "
            "closely the fit follows it, not how good it is."
        )
    return (
        "Means over the held-out frames. ↓ smaller is better, ↑ larger is better. A picture may be "
        "right while its depth is wrong: read both. Median-scaled: after each "
        "frame's median is made the true one. Against the prior: how closely the fit follows it."
    )


def _reserved(record: Mapping[str, Any]) -> str:
    """Which frames a score leaves out, and which files were changed."""
    fewer = [
        f" {name.capitalize()}: of {count} of {record['frames']} frames."
        for name, count in record["counted"].items()
        if count < record["frames"]
    ]
    edited = [
        f" Files of the {name} were changed since its export ({few(record[f'{name}_edited'])}): "
        "the scores are of what they hold now."
        for name in ("scene", "truth")
        if f"{name}_edited" in record
    ]
    return "".join(fewer + edited)


def _table(record: Mapping[str, Any]) -> str:
    columns = {
        "fit": record["metrics"],
        "fit, median-scaled": record.get("median_scaled", {}),
        "the prior itself": record.get("baselines", {}).get("prior", {}),
        "fit against the prior": record["agreement"],
    }
    shown = {title: values for title, values in columns.items() if values}
    heads = "".join(f"<th>{escape(title)}</th>" for title in shown)
    rows = "".join(
        f'<tr><th><code>{name}</code> {better}</th><td class="what">{what}'
        f"{f', {unit}' if unit else ''}</td>"
        + "".join(
            f"<td>{values[name]:.{digits}f}</td>" if name in values else "<td></td>"
            for values in shown.values()
        )
        + "</tr>"
        for name, (what, unit, better, digits) in WORDS.items()
        if any(name in values for values in shown.values())
    )
    heads = f"<thead><tr><th>metric</th><th></th>{heads}</tr></thead>"
    return f"<table>{heads}<tbody>{rows}</tbody></table>"
