"""Ranges as settings: a pair of numbers each, or the chance that a thing is there at all."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from m3depth.data.synthetic.styles import Range
from m3depth.errors import ConfigError

Between = Sequence[float]  # (low, high); a list where it comes from YAML


@dataclass(frozen=True)
class Ranges:
    """Settings of one part of a world, looked at when they are made.

    Raises:
        ConfigError: one of them is neither ``[low, high]`` nor, of a ``chance``, a share.
    """

    def __post_init__(self) -> None:
        for field in fields(self):
            name = f"{type(self).__name__}.{field.name}"
            value = getattr(self, field.name)
            checked = _share if field.name.endswith("chance") else _range
            object.__setattr__(self, field.name, checked(name, value))


def _range(name: str, value: object) -> Range:
    try:
        low, high = (float(number) for number in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low <= high < math.inf:
        raise ConfigError(f"{name}={value}: a range is [low, high], two numbers, the lower first")
    return low, high


def _share(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ConfigError(f"{name}={value}: a chance is a number from 0 to 1")
    return float(value)
