"""A progress bar."""

from collections.abc import Iterable
from typing import TypeVar

Item = TypeVar("Item")


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a bar on stderr where that is a terminal; stdout is for results.

    Args:
        items: To go through.
        what: Named beside the bar.
        total: How many there are, where ``items`` does not know.
    """
    from rich.console import Console
    from rich.progress import track

    # A console of its own: a bar that is dropped midway takes no other bar down, least of all
    # Lightning's, which is on rich's global console
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return track(items, what, total, console=console, transient=True, disable=hidden)
