"""What every page is made of: the page itself, sections, cards, pictures and charts."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from m3depth.evaluation.provenance import git_commit
from m3depth.imaging.figures import Picture, data_uri
from m3depth.version import __version__

CHART_NAME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # a UUID

Figure = Any  # plotly.graph_objects.Figure: plotly comes without types


def page(title: str, body: str, *, style: str = "", charts: bool = True) -> str:
    """A whole page that opens without a network.

    Args:
        title: The page's title.
        body: HTML, between the body's tags.
        style: CSS beside the shared one.
        charts: Whether `chart` is in the body: plotly's script is four megabytes.
    """
    parts = files("m3depth.report")
    css, ink = (parts.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    head = f"<script>{_plotly()}</script>" if charts else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{css}{style}</style>{head}</head>"
        f"<body>{_numbered(body)}{f'<script>{ink}</script>' if charts else ''}</body></html>\n"
    )


def _numbered(html: str) -> str:
    """With the charts named by number: plotly draws names by lot."""
    for number, name in enumerate(dict.fromkeys(CHART_NAME.findall(html))):
        html = html.replace(name, f"chart-{number}")
    return html


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def section(title: str, said: str, body: str) -> str:
    """A heading, a line below it, and HTML."""
    said = f'<p class="lead">{escape(said)}</p>' if said else ""
    return f"<section><h2>{escape(title)}</h2>{said}{body}</section>"


def wide(body: str) -> str:
    """A table that may be wider than the screen."""
    return f'<div class="wide">{body}</div>'


def text_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of plain text; the first row is the heading."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join(
        f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in rest)}</tr>"
        for first, *rest in rows[1:]
    )
    return f'<table class="protocols"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def warning(title: str, body: str) -> str:
    """A box that a reader must not miss."""
    return f'<section class="warning"><h2>{title}</h2>{body}</section>'


def card(number: str, unit: str, said: str, kind: str = "") -> str:
    """A number with its unit, and what it is."""
    return (
        f'<div class="card {kind}"><b>{number}<small> {unit}</small></b>'
        f"<span>{escape(said)}</span></div>"
    )


def figure(picture: Picture, caption: str, described: str = "") -> str:
    """A picture inside the page, with its caption; ``described`` is for who cannot see it."""
    text = escape(described or caption, quote=True)
    return (
        f'<figure><img src="{data_uri(picture)}" alt="{text}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def chart(figure: Figure) -> str:
    """A figure, without plotly's own script, which `page` brings."""
    config = {"displayModeBar": False, "responsive": True}
    drawn: str = figure.to_html(full_html=False, include_plotlyjs=False, config=config)
    return f'<div class="chart">{drawn}</div>'


def footer(notes: Mapping[str, str]) -> str:
    """What a reader needs to repeat it; a text of several lines is folded away."""
    git = git_commit().get("git")
    version = f"m3depth {__version__}" + (f", commit {git}" if git else "")
    told = {**notes, "version": version}
    items = "".join(f"<dt>{escape(name)}</dt><dd>{_told(text)}</dd>" for name, text in told.items())
    return f"<footer><dl>{items}</dl></footer>"


def _told(text: str) -> str:
    if "\n" not in text.strip():
        return f"<code>{escape(text)}</code>"
    return f"<details><summary>show</summary><pre>{escape(text)}</pre></details>"
