"""What the colours of a whole input mean: one range of depth, found in the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from m3depth.imaging.bars import Tick, inverse_depth_ticks

Map = Float[NDArray[np.floating], "h w"]
PERCENT = (1.0, 99.0)  # of what is known: the few beyond take the colours of the ends
OF_THE_DATA = "1st to 99th percentile of the {} over all frames, black pixels left out"
SEEN = 64  # rows and columns of a frame that are counted, so that every frame weighs the same
BLACK = 12 / 255  # the brightest that counts as black
LOWEST, HIGHEST, STEPS = 1e-7, 1e3, 6000  # of the counted values: steps of 0.4 %


@dataclass(frozen=True)
class Scale:
    """From values, larger where it is nearer, to colours.

    Attributes:
        low: The farthest that has a colour of its own: 1/mm, or a fraction of the width.
        high: The nearest.
        title: What the numbers beside the bar are.
        ticks: From the far end.
        record: The same for ``predictions.json``.
    """

    low: float
    high: float
    title: str
    ticks: tuple[Tick, ...]
    record: Mapping[str, Any]


def values_of(arrays: Mapping[str, NDArray[Any]]) -> Map:
    """Inverse depth, in 1/mm where that is known, else disparity as a fraction of the width."""
    if "inverse_depth" in arrays:
        relative: Map = np.maximum(arrays["inverse_depth"], LOWEST)  # 0: that nothing is known
        return relative
    if "depth_mm" not in arrays:
        disparity_px = np.asarray(arrays["disparity_px"])
        share: Map = np.maximum(disparity_px, 0) / disparity_px.shape[1]
        return share
    depth_mm = np.asarray(arrays["depth_mm"])
    inverse: Map = np.divide(1, depth_mm, out=np.zeros_like(depth_mm), where=depth_mm > 0)
    return inverse


@dataclass
class Range:
    """The percentiles of all frames' values, none of which is kept."""

    counts: Int[NDArray[np.int64], "steps"] = field(
        default_factory=lambda: np.zeros(STEPS, np.int64)
    )

    def add(self, values: Map, image: Float[NDArray[np.floating], "3 h w"]) -> None:
        """Count a frame's values, but for those of black pixels: no light came from there."""
        rows, columns = (np.linspace(0, n - 1, min(n, SEEN)).astype(int) for n in values.shape)
        seen = values[np.ix_(rows, columns)]
        lit = image[:, rows[:, None], columns].max(0) > BLACK
        place = np.log(seen[(seen > 0) & lit] / LOWEST) / np.log(HIGHEST / LOWEST) * STEPS
        self.counts += np.bincount(place.astype(int).clip(0, STEPS - 1), minlength=STEPS)

    def ends(self) -> tuple[float, float] | None:
        """The low and the high percentile; None where nothing is known."""
        total = np.cumsum(self.counts)
        if not total[-1]:
            return None
        low, high = np.searchsorted(total, np.array(PERCENT) / 100 * total[-1])
        edges = LOWEST * (HIGHEST / LOWEST) ** (np.array([low, high + 1]) / STEPS)
        return float(edges[0]), float(edges[1])


def depth_scale(found: Range, near_mm: float | None, far_mm: float | None) -> Scale:
    """Of millimetres: as asked for, else what the data hold."""
    low, high = found.ends() or (1 / 150, 1 / 30)  # nothing known: an endoscope's working range
    near = near_mm or _rounded(1 / high, np.floor)
    far = far_mm or _rounded(1 / low, np.ceil)
    far = max(far, 1.02 * near)  # one wall, all at one depth
    asked = "near_mm= and far_mm=" if near_mm and far_mm else "near_mm=" if near_mm else "far_mm="
    parts = [asked] if near_mm or far_mm else []
    parts += [] if near_mm and far_mm else [OF_THE_DATA.format("depth")]
    return Scale(
        low=1 / far,
        high=1 / near,
        title="depth, mm",
        ticks=_open_ended(inverse_depth_ticks(near, far)),
        record={"near_mm": near, "far_mm": far, "chosen_by": ", ".join(parts)},
    )


def disparity_scale(found: Range) -> Scale:
    """Of disparity, where there is no calibration."""
    low, high = found.ends() or (0.03, 0.15)
    low, high = _rounded(low, np.floor), _rounded(high, np.ceil)
    high = max(high, 1.02 * low)
    inner = (low + (high - low) * share for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    ticks = [Tick((value - low) / (high - low), f"{100 * value:.3g}%") for value in inner]
    chosen = OF_THE_DATA.format("disparity") + "; no calibration, so no mm"
    return Scale(
        low=low,
        high=high,
        title="disparity / width",
        ticks=_open_ended(ticks, "≤", "≥"),
        record={"disparity_of_width": [low, high], "chosen_by": chosen},
    )


def relative_scale(found: Range) -> Scale:
    """Of relative depth: its numbers have no unit; one range for all frames does not flicker."""
    low, high = found.ends() or (LOWEST, 1.0)
    high = max(high, 1.02 * low)
    return Scale(
        low=low,
        high=high,
        title="relative inverse depth",
        ticks=(Tick(0.0, "far"), Tick(1.0, "near")),
        record={"relative": [low, high], "chosen_by": OF_THE_DATA.format("relative inverse depth")},
    )


def _open_ended(ticks: list[Tick], far: str = "≥", near: str = "≤") -> tuple[Tick, ...]:
    """The colours of the ends also stand for what is beyond them."""
    first, *inner, last = ticks
    farthest = first._replace(label=f"{far} {first.label}")
    return (farthest, *inner, last._replace(label=f"{near} {last.label}"))


def _rounded(value: float, towards: Any) -> float:
    """To two digits, so that bars have round ends."""
    unit = 10 ** (np.floor(np.log10(value)) - 1)
    return float(f"{towards(value / unit) * unit:.6g}")
