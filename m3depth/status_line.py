"""One line of a terminal, written over again and again; nothing where stderr is no terminal."""

import logging
import os
import sys
import time
from collections.abc import Sequence

ERASE = "\r\x1b[2K"
SECONDS_BETWEEN = 0.1


class StatusLine:
    """Shows as many fields as the terminal is wide, the first ones first."""

    def __init__(self) -> None:
        """Look whether there is a terminal."""
        self.on = sys.stderr.isatty()
        self._shown_at = 0.0

    def show(self, fields: Sequence[str]) -> None:
        """Write over what is there, at most ten times a second."""
        if self.on and time.monotonic() - self._shown_at > SECONDS_BETWEEN:
            self._shown_at = time.monotonic()
            sys.stderr.write(ERASE + fitted(fields, _columns()))
            sys.stderr.flush()

    def clear(self) -> None:
        """Make room for another line."""
        if self.on and self._shown_at:
            sys.stderr.write(ERASE)
            sys.stderr.flush()


class ClearFirst(logging.Filter):
    """Lets every message through, the status line out of its way."""

    def __init__(self, line: StatusLine) -> None:
        """Keep the line."""
        super().__init__()
        self.line = line

    def filter(self, record: logging.LogRecord) -> bool:
        """Clear."""
        self.line.clear()
        return True


def fitted(fields: Sequence[str], columns: int) -> str:
    """The first fields that fit into a line, one column left free: a full line breaks.

    >>> fitted(["epoch 3/50", "12/210", "loss 0.12"], 22)
    'epoch 3/50  12/210'
    """
    text = fields[0][: columns - 1]
    for field in fields[1:]:
        if len(text) + 2 + len(field) >= columns:
            break
        text += f"  {field}"
    return text


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
