"""What jaxtyping's import hook checks annotations with, see ``conftest.py``."""

from collections.abc import Sequence
from typing import Any

from beartype import BeartypeConf, FrozenDict, beartype
from beartype.roar import BeartypeDecorHintException

CHECK = beartype(
    conf=BeartypeConf(
        is_pep484_tower=True,  # a whole number is a float too
        hint_overrides=FrozenDict(  # YAML has lists where Python has tuples
            {
                tuple[int, int]: Sequence[int],
                tuple[int, ...]: Sequence[int],
                tuple[float, float]: Sequence[float],
                tuple[float, ...]: Sequence[float],
            }
        ),
    )
)


def checked(thing: Any) -> Any:
    """``thing`` with its annotations checked at each call.

    What beartype has no check for stays unchecked: a method that returns ``Self`` (the hook
    decorates methods one by one), and a protocol, whose methods say more than a name could.
    """
    try:
        return CHECK(thing)
    except BeartypeDecorHintException:
        return thing
