"""One of several processes' share of the frames."""

import re
from typing import NamedTuple, Self

from m3depth.errors import ConfigError


class Shard(NamedTuple):
    """The frames ``first, first + step, ...`` of a set; ``0/1`` is all of them.

    >>> list(Shard.parse("1/3").of(8))
    [1, 4, 7]
    """

    first: int
    step: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "i/n" with 0 <= i < n.

        Raises:
            ConfigError: it is something else.
        """
        parts = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        if parts and int(parts[1]) < int(parts[2]):
            return cls(int(parts[1]), int(parts[2]))
        raise ConfigError(f"shard={text}: expected i/n with 0 <= i < n, such as 0/4 ... 3/4")

    def of(self, frames: int) -> range:
        """The positions of this share's frames among ``frames``."""
        return range(self.first, frames, self.step)

    def others(self, frames: int) -> list[int]:
        """The position of the first frame of each other share."""
        return [first for first in range(min(self.step, frames)) if first != self.first]
