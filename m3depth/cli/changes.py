"""What two configurations differ by."""

from collections.abc import Sequence
from typing import Any

from m3depth.errors import ConfigError

OF_A_COMMAND = ("output", "checkpoint", "overwrite")  # what each command says for itself


def differences(earlier: dict[str, Any], now: dict[str, Any]) -> dict[str, str]:
    """What changed, by the options' names: "50 -> 60"; where files go does not matter."""
    before, after = dict(leaves("", earlier)), dict(leaves("", now))
    old_output, new_output = str(earlier.get("output")), str(now.get("output"))
    found = {}
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, "none"), after.get(name, "none")
        moved = str(old).replace(old_output, new_output) == str(new)
        if old != new and not moved and name not in OF_A_COMMAND:
            found[name] = f"{old} -> {new}"
    return found


def refuse_changes(
    earlier: dict[str, Any], now: dict[str, Any], fixed: Sequence[str], free: Sequence[str] = ()
) -> None:
    """Stop at a change that the checkpoint does not allow.

    Args:
        earlier: The configuration that it was made with.
        now: The one to go on with.
        fixed: The options that must stay, with all below them
        free: but for these.

    Raises:
        ConfigError: naming the option.
    """
    for name, change in differences(earlier, now).items():
        of_fixed = any(name == one or name.startswith(f"{one}.") for one in fixed)
        if of_fixed and name not in free:
            raise ConfigError(
                f"{name}: {change}: a run goes on with what its checkpoint is of; begin anew with "
                "another output="
            )


def leaves(name: str, value: Any, of_lists: bool = False) -> list[tuple[str, Any]]:
    """Each value in nested containers with its path, ``name.key``; a list is one, unless asked."""
    if of_lists and isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return [(name, value)]
    parts = ((f"{name}.{key}" if name else str(key), one) for key, one in value.items())
    return [leaf for key, one in parts for leaf in leaves(key, one, of_lists)]
