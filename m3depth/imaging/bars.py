"""Colour bars as HTML: a gradient with its numbers below."""

from typing import NamedTuple

import numpy as np

from m3depth.imaging.figures import ERROR_COLOURS, INVERSE_DEPTH_COLOURS, css_gradient


class Tick(NamedTuple):
    """One label of a bar."""

    share: float  # of the bar's length, from the left
    label: str


def inverse_depth_bar(near_mm: float, far_mm: float) -> str:
    """Far on the left; places are those of the inverse depth, labels are millimetres."""
    ticks = inverse_depth_ticks(near_mm, far_mm)
    return _bar(INVERSE_DEPTH_COLOURS, "depth, mm (even in 1/depth; grey: not known)", ticks)


def inverse_depth_ticks(near_mm: float, far_mm: float) -> list[Tick]:
    """From far to near, at round millimetres where there is room."""
    span = 1 / near_mm - 1 / far_mm
    inner = [mm for mm in _round_steps(near_mm, far_mm) if near_mm < mm < far_mm]
    places = {mm: (1 / mm - 1 / far_mm) / span for mm in (far_mm, *sorted(inner)[::-1], near_mm)}
    return _apart(_ticks(places))


def error_bar(ceiling: float, unit: str, grey: str, what: str = "absolute error") -> str:
    """From no error to ``ceiling``, which also stands for whatever is larger.

    Args:
        ceiling: The error drawn in the last colour.
        unit: Of the error.
        grey: What a grey pixel means.
        what: Whose size it is.
    """
    title = f"{what}, {unit} (grey: {grey})"
    return _bar(ERROR_COLOURS, title, _quarters(ceiling), "≥ ")


def relative_bar() -> str:
    """Of inverse depth without a unit."""
    ticks = [Tick(0.0, "far"), Tick(1.0, "near")]
    return _bar(INVERSE_DEPTH_COLOURS, "relative inverse depth (grey: not known)", ticks)


def disparity_bar(ceiling_px: float) -> str:
    """From no disparity to ``ceiling_px``."""
    title = "disparity, px (no calibration, so no millimetres)"
    return _bar(INVERSE_DEPTH_COLOURS, title, _quarters(ceiling_px))


def _quarters(ceiling: float) -> list[Tick]:
    return _ticks({ceiling * share: share for share in (0.0, 0.25, 0.5, 0.75, 1.0)})


def _ticks(places: dict[float, float]) -> list[Tick]:
    return [Tick(share, f"{value:.4g}") for value, share in places.items()]


def _bar(colours: str, title: str, ticks: list[Tick], before_last: str = "") -> str:
    ticks[-1] = ticks[-1]._replace(label=before_last + ticks[-1].label)
    labels = "".join(f'<i style="left:{t.share * 100:.2f}%">{t.label}</i>' for t in ticks)
    return (
        f'<div class="bar"><span>{title}</span>'
        f'<div style="background:{css_gradient(colours)}"></div><b>{labels}</b></div>'
    )


def _apart(ticks: list[Tick], least: float = 0.1) -> list[Tick]:
    """Without the inner ticks whose labels would run into a neighbour's."""
    first, *inner, last = ticks
    kept = [first]
    for tick in inner:
        if tick.share - kept[-1].share >= least and last.share - tick.share >= least:
            kept.append(tick)
    return [*kept, last]


def _round_steps(low: float, high: float) -> list[float]:
    """Round numbers between two, about six of them."""
    rough = (high - low) / 6
    unit = 10 ** np.floor(np.log10(rough))
    step = unit * min((s for s in (1, 2, 5, 10) if s * unit >= rough), default=10)
    return [float(v) for v in np.arange(np.ceil(low / step) * step, high, step)]
