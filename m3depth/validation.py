"""Checks of a user's settings: a wrong one is refused at once, not after an hour of fitting."""

import math
from collections.abc import Sequence

from m3depth.errors import ConfigError

LEAST_SIDE = 16  # pixels


def require_number(
    name: str, value: object, low: float, high: float = math.inf, whole: bool = False
) -> None:
    """Stop at what is not from ``low`` to ``high``.

    Args:
        name: The option, as the command line has it.
        value: What was given.
        low: The least.
        high: The most.
        whole: No fractions.

    Raises:
        ConfigError: it is no such number.
    """
    kinds = (int,) if whole else (int, float)
    if isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high:
        return
    kind = "a whole number" if whole else "a number"
    limits = f"from {_typed(low)}" + (f" to {_typed(high)}" if math.isfinite(high) else " on")
    shown = "null" if value is None else value
    raise ConfigError(f"{name}={shown}: expected {kind} {limits}")


def _typed(number: float) -> str:
    """A whole number with all its digits."""
    return str(number) if isinstance(number, int) else f"{number:g}"


def require_name(value: object) -> None:
    """Stop at a name that is no folder below ``outputs/``.

    Raises:
        ConfigError: it is empty, or leads out of there.
    """
    parts = str(value).split("/")
    if value is None or not {"", ".."}.isdisjoint(parts):
        shown = "null" if value is None else value
        raise ConfigError(f"name={shown}: expected a name, of the folder below outputs/")


def require_size(name: str, value: object) -> tuple[int, int]:
    """The (height, width) that was given, large enough for the network's coarsest maps.

    Raises:
        ConfigError: it is no size.
    """
    sides = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
    if len(sides) == 2 and whole and min(sides) >= LEAST_SIDE:
        return sides[0], sides[1]
    shown = "null" if value is None else sides or value
    raise ConfigError(f"{name}={shown}: give [height, width], each at least {LEAST_SIDE}")


def require_switch(setting: str, value: object) -> None:
    """Stop at a setting that is not true or false: Hydra takes "no" for a word, which is true.

    Raises:
        ConfigError: naming the setting.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{setting}={value}: expected true or false")
