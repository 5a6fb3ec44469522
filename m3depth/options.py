"""What a user sets: refused at once, not after an hour of fitting."""

import math

from m3depth.errors import ConfigError


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
    limits = f"from {low:g}" + (f" to {high:g}" if math.isfinite(high) else " on")
    raise ConfigError(f"{name}={value}: expected {kind} {limits}")


def require_switch(setting: str, value: object) -> None:
    """Stop at a setting that is not true or false: Hydra takes "no" for a word, which is true.

    Raises:
        ConfigError: naming the setting.
    """
    if not isinstance(value, bool):
        raise ConfigError(f"{setting}={value}: expected true or false")
