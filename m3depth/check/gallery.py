"""What was found, as one HTML page with its pictures inside."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from m3depth.check.check_set import told_frames
from m3depth.check.finding import Finding
from m3depth.check.measuring.measured_frame import MeasuredFrame
from m3depth.check.measuring.sampler import Sampled
from m3depth.check.measuring.set_measures import fine, measures
from m3depth.check.verdict import verdict
from m3depth.imaging.figures import Picture
from m3depth.io.files import write_text
from m3depth.report.html import figure, page
from m3depth.version import __version__

WIDEST_PX = 1100
WORST = 8  # frames in the gallery
KEYS = 40  # frames named under a finding
STYLE = """
.fault { margin: 2.2rem 0; padding: 0.1rem 1.2rem 1rem; border: 1px solid var(--line);
  border-left: 4px solid var(--accent); border-radius: 6px; }
.fault.is-error { border-left-color: var(--bad); }
.fault h2 { margin: 0.8rem 0 0.3rem; }
.fault h2 small { font-weight: 500; font-size: 0.7em; color: var(--soft); }
.fault.is-error h2 small { color: var(--bad); }
.measured td { text-align: left; white-space: normal; font-weight: normal; vertical-align: top; }
.fault figure, .worst figure { margin: 0.9rem 0; max-width: 68rem; }
"""


def write_gallery(path: Path, findings: Sequence[Finding], sampled: Sampled) -> None:
    """Write the page: every finding with its numbers, mend and picture, then the worst frames.

    Raises:
        UserError: the file cannot be written.
    """
    body = "".join(
        [
            f"<h1>{escape(verdict(findings))}</h1>",
            f'<p class="lead">{escape(told_frames(sampled))}</p>',
            *(_finding(finding) for finding in findings),
            _measured(findings, sampled),
            _worst(findings, sampled),
            f"<footer><p>m3depth {escape(__version__)} check</p></footer>",
        ]
    )
    write_text(path, page("m3depth check", body, style=STYLE, charts=False))


def _finding(finding: Finding) -> str:
    severity = finding.severity.name.lower()
    numbers = "".join(
        f"<dt><code>{escape(name)}</code></dt><dd>{value:.4g}</dd>"
        for name, value in finding.evidence.items()
    )
    picture = "" if finding.picture is None else figure(_small(finding.picture), finding.told)
    return (
        f'<section class="fault is-{severity}"><h2><code>{escape(finding.code)}</code> '
        f"<small>{severity}</small></h2><p>{escape(finding.said)}.</p>"
        f"<p><b>Mend:</b> {escape(finding.mend)}.</p><dl>{numbers}</dl>{picture}"
        f"{_keys(finding.frames)}</section>"
    )


def _measured(findings: Sequence[Finding], sampled: Sampled) -> str:
    """What is not found to be wrong, with the numbers that show it."""
    rows = "".join(
        f"<tr><td><b>ok</b></td><td><code>{escape(one.code)}</code></td><td>{escape(one.said)}</td>"
        "</tr>"
        for one in fine(measures(sampled), findings)
    )
    if not rows:
        return ""
    return f'<section class="measured"><h2>Measured</h2><table>{rows}</table></section>'


def _keys(keys: Sequence[str]) -> str:
    if not keys:
        return ""
    shown = ", ".join(f"<code>{escape(key)}</code>" for key in keys[:KEYS])
    more = f" and {len(keys) - KEYS} more" if len(keys) > KEYS else ""
    word = "frame" if len(keys) == 1 else "frames"
    return f"<details><summary>{len(keys)} {word}</summary><p>{shown}{more}</p></details>"


def _worst(findings: Sequence[Finding], sampled: Sampled) -> str:
    """The frames that most findings name."""
    told = Counter(key for finding in findings for key in finding.frames)
    frames = {frame.key: frame for frame in sampled.frames}
    worst = [frames[key] for key, _ in told.most_common() if key in frames][:WORST]
    if not worst:
        return ""
    rows = "".join(figure(_small(frame.joined), _caption(frame, findings)) for frame in worst)
    return f'<section class="worst"><h2>Worst frames</h2>{rows}</section>'


def _caption(frame: MeasuredFrame, findings: Sequence[Finding]) -> str:
    codes = [finding.code for finding in findings if frame.key in finding.frames]
    return f"{frame.key} ({frame.split}): {', '.join(codes)}"


def _small(picture: Picture) -> Picture:
    import cv2

    scale = WIDEST_PX / picture.shape[1]
    if scale >= 1:
        return picture
    size = (WIDEST_PX, max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
