"""Frames in batches, and the error of each frame that fails."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from m3depth.errors import DataError

Item = TypeVar("Item")
Found = TypeVar("Found")


def batched(items: Iterable[Item], count: int) -> Iterator[list[Item]]:
    """Batches of ``count``, the last one may be smaller; `itertools.batched` needs Python 3.12.

    >>> list(batched("abc", 2))
    [['a', 'b'], ['c']]
    """
    rest = iter(items)
    while batch := list(islice(rest, count)):
        yield batch


def one_by_one(
    find: Callable[[Sequence[Item]], list[Found]], items: Sequence[Item]
) -> list[Found | DataError]:
    """What is found for all items, with the error in place of each that fails.

    When several fail together, each is tried alone, so that none suffers for another's fault.
    """
    try:
        return list(find(items))
    except DataError as error:
        if len(items) == 1:
            return [error]
    return [found for item in items for found in one_by_one(find, [item])]
