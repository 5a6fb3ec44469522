"""One run at a time in a folder: a lock that ends with its process."""

import fcntl
import os
from pathlib import Path
from typing import IO


class Lock:
    """A file that this process alone holds, or shares with others that share it.

    A lock of the operating system: a file that is left behind blocks nobody. On a file system
    without locks every process gets it.

    Args:
        path: The file.
        shared: Others may share it too.
    """

    def __init__(self, path: Path, shared: bool = False) -> None:
        self.path, self.shared = path, shared
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Whether it was free; does not wait."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("ab")
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if self.shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        except OSError:  # no locks on this file system
            pass
        if not _is_at(file, self.path):  # its last holder has just removed it
            file.close()
            return self.take()
        self._file = file
        _held.append(self)
        return True

    def alone(self) -> bool:
        """Whether nobody shares it now, and nobody will until it is released."""
        if self._file is None:
            return False
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Release it; the last holder removes the file."""
        if self._file is None:
            return
        if self.alone():
            self.path.unlink(missing_ok=True)
        _held.remove(self)
        self._file.close()
        self._file = None

    def forget(self) -> None:
        """Drop it in a forked process: a data loader's worker must not keep it."""
        if self._file is not None:
            self._file.close()
            self._file = None


_held: list[Lock] = []


def _forget_all() -> None:
    for lock in _held:
        lock.forget()
    _held.clear()


os.register_at_fork(after_in_child=_forget_all)


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
