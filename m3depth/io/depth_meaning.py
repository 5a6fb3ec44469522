"""What the numbers in a depth file are: the file says so, or the caller."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from m3depth.errors import ConfigError, DataError
from m3depth.io.numpy_files import TEXT, Array, read_npz_arrays
from m3depth.types import Kind, Scale

KINDS: Mapping[str, Kind] = {  # by the name of the array in an .npz, and of ``kind=``
    "depth_mm": Kind.DEPTH,
    "disparity_px": Kind.DISPARITY,  # of the file's width
    "inverse_depth": Kind.INVERSE_DEPTH,
    "disparity_fraction": Kind.FRACTION,
}
UNITS: Mapping[Kind, Mapping[str, float]] = {  # in that of `DepthMap`, which comes first
    Kind.DEPTH: {"mm": 1.0, "cm": 10.0, "m": 1000.0},
    Kind.DISPARITY: {"px": 1.0},
    Kind.INVERSE_DEPTH: {"1/mm": 1.0, "1/cm": 0.1, "1/m": 0.001},
    Kind.FRACTION: {"width": 1.0},
}
NO_UNIT = "none"  # of what is known up to a scale
NEAREST_MM = 1.0  # no camera sees what is nearer
TOO_WIDE = 0.01  # share of the disparities that may be wider than the picture by mistake

Word = TypeVar("Word", bound=StrEnum)


class Meaning(NamedTuple):
    """What the numbers in a file are."""

    kind: Kind
    scale: Scale = Scale.METRIC
    factor: float = 1.0  # times this they are in the unit of a `DepthMap`

    def text(self) -> dict[str, Array]:
        """As an .npz says it: ``kind``, ``scale`` and ``unit``, that of a `DepthMap`."""
        unit = next(iter(UNITS[self.kind])) if self.scale is Scale.METRIC else NO_UNIT
        words = (self.kind.value, self.scale.value, unit)
        return {name: np.array(word) for name, word in zip(TEXT, words, strict=True)}


def array_names(kind: Kind) -> Sequence[str]:
    """What an .npz of several arrays may call a map of this kind."""
    return [name for name, one in KINDS.items() if one is kind]


def meaning_of(path: Path, kind: str | None = None) -> Meaning:
    """What the numbers in a file are: the file says so, or else the caller.

    The .npz of `m3depth predict` holds a second map, which is taken where the caller asks for it
    by its name.

    Args:
        path: The file.
        kind: By the caller, of `KINDS`.

    Raises:
        ConfigError: there is no such kind.
        DataError: neither says so, they contradict each other, or the file says a word or a unit
            that is not known.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"kind={kind}: choose {', '.join(KINDS)}")
    said, named = _said(path)
    own = _word(path, Kind, said["kind"]) if "kind" in said else KINDS[named[0]] if named else None
    asked = own if kind is None else KINDS[kind]
    if asked is None:
        raise DataError(
            f"{path}: does not say what its numbers are; give kind= ({', '.join(KINDS)})"
        )
    if own not in (None, asked) and kind not in named:
        raise DataError(f"{path}: holds {own}, as it says itself, and kind={kind} was given")
    known = _word(path, Scale, said["scale"]) if "scale" in said else Scale.METRIC
    unit = said.get("unit") if own in (None, asked) and known is Scale.METRIC else None
    if unit is not None and unit not in UNITS[asked]:
        raise DataError(f"{path}: {asked} in {unit!r}; known are {', '.join(UNITS[asked])}")
    return Meaning(asked, known, 1.0 if unit is None else UNITS[asked][unit])


def require_fitting(
    path: Path, values: Array, width: int, meaning: Meaning, factor: float = 1.0
) -> None:
    """Refuse disparities that are wider than the picture.

    Args:
        path: For the message.
        values: Those that are known, in the unit of a `DepthMap`.
        width: Of the map, in pixels.
        meaning: What was said of them.
        factor: What the file's numbers were multiplied by.

    Raises:
        DataError: they cannot be of the kind that was said.
    """
    widest = {Kind.DISPARITY: width, Kind.FRACTION: 1}.get(meaning.kind)
    if widest is None or meaning.scale is not Scale.METRIC or not values.size:
        return
    if (values > widest).mean() > TOO_WIDE:
        raise DataError(
            f"{path}: the median {meaning.kind} is {np.median(values):.4g}, and the picture is "
            f"{widest} wide; for millimetres give kind=depth_mm, for pixels times 256 "
            f"scale={factor / 256:.6g}"
        )


def in_metres(values: Array, meaning: Meaning, factor: float = 1.0) -> str:
    """Says that depth seems to be in metres, and how to mend it; "" where it does not.

    For the arguments see `require_fitting`.
    """
    depth = meaning.kind is Kind.DEPTH and meaning.scale is Scale.METRIC and values.size > 0
    if not depth or np.median(values) >= NEAREST_MM:
        return ""
    return (
        f"its median depth is {np.median(values):.3g} mm, nearer than a camera sees: for metres "
        f"give scale={1000 * factor:.6g}"
    )


def _said(path: Path) -> tuple[dict[str, str], list[str]]:
    """The file's own words, and which maps it holds by their names in `KINDS`."""
    if path.suffix.lower() != ".npz":
        return {}, []
    text = read_npz_arrays(path, TEXT)
    return {name: str(word) for name, word in text.items()}, list(read_npz_arrays(path, [*KINDS]))


def _word(path: Path, words: type[Word], said: str) -> Word:
    try:
        return words(said)
    except ValueError:
        what = words.__name__.lower()
        raise DataError(f"{path}: {what} {said!r}; known are {', '.join(words)}") from None
