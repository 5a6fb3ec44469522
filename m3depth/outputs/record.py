"""The files of a folder that the program wrote, and so may replace and remove."""

import contextlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

OURS = ".m3depth"  # the hidden folder inside an output that holds the record and the lock
WRITTEN = "written.jsonl"


class Record:
    """A line per file, added before the file is written: a killed run's files are known too.

    The first line names the verb; all others are paths below the folder.

    Args:
        folder: The output.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / OURS / WRITTEN
        self.verb: str | None = None
        self.names: set[str] = set()
        self._read()

    def present(self) -> list[str]:
        """Its files that are there, in order."""
        return sorted(name for name in self.names if os.path.lexists(self.folder / name))

    def holds(self, name: str) -> bool:
        """Whether it names the file; another process may have added it meanwhile."""
        if name not in self.names:
            self._read()
        return name in self.names

    def add(self, verb: str, name: str) -> None:
        """Note a file that a verb is about to write."""
        if self.verb != verb:
            self.verb = verb
            self._append({"verb": verb})
        if name not in self.names:
            self.names.add(name)
            self._append(name)

    def remove(self, keep: Iterable[str] = ()) -> None:
        """Remove its files except ``keep``, and folders that become empty."""
        kept = set(keep)
        gone = [self.folder / name for name in self.present() if name not in kept]
        for path in gone:
            path.unlink()
        for folder in sorted({one for path in gone for one in path.parents}, reverse=True):
            if self.folder in folder.parents:
                with contextlib.suppress(OSError):  # not empty
                    folder.rmdir()
        self.names &= kept
        self.tidy()

    def tidy(self) -> None:
        """Keep the files that exist, sorted, so that equal outputs have equal records."""
        if not self.path.is_file():
            return
        lines: list[object] = [{"verb": self.verb}, *self.present()]
        temporary = self.path.with_name(f".{WRITTEN}.{os.getpid()}.tmp")
        temporary.write_text("".join(map(_line, lines)), encoding="utf-8")
        os.replace(temporary, self.path)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            for line in self.path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(ValueError):  # the last line of a process that was killed
                    content = json.loads(line)
                    if isinstance(content, dict):
                        self.verb = content.get("verb")
                    else:
                        self.names.add(str(content))

    def _append(self, content: object) -> None:
        # One write of one line at the end of the file: other processes' lines stay whole
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(content))


def _line(content: object) -> str:
    return json.dumps(content) + "\n"
