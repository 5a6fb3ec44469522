"""What a run may write in its output folder: nothing foreign is touched."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from m3depth.errors import UserError
from m3depth.outputs.record import Record


class Claim:
    """A folder that this process writes to; see `Output`.

    Args:
        folder: The output.
        verb: Of the run.
        replaces: Remove an earlier run's files when this run writes its first one.
    """

    def __init__(self, folder: Path, verb: str, replaces: bool = False) -> None:
        self.folder, self.verb, self.replaces = Path(os.path.abspath(folder)), verb, replaces
        self.record = Record(self.folder)
        self._looked_at: set[tuple[Path, str]] = set()

    def require_free(self, names: Iterable[str]) -> None:
        """Stop at a file that is in the way of one that the run will write.

        Args:
            names: Paths below the folder.

        Raises:
            UserError: naming it.
        """
        for name in names:
            path = self.folder / name
            above = [one for one in path.parents if self.folder in one.parents]
            in_the_way = [one for one in above if os.path.lexists(one) and not one.is_dir()]
            if os.path.lexists(path) and not self.record.holds(name):
                in_the_way.append(path)
            if in_the_way:
                raise UserError(
                    f"{in_the_way[0]}: is there, and no record says that m3depth {self.verb} wrote "
                    "it; move it, or choose another output="
                )

    def require_no_others(self, paths: Iterable[Path], pattern: re.Pattern[str]) -> None:
        """See the function of this name; each folder and suffix is looked at once."""
        for path in paths:
            parent, kind = path.parent, path.name.partition(".")[2]
            if (parent, kind) in self._looked_at:
                continue
            there = parent.glob(f"*.{kind}") if parent.is_relative_to(self.folder) else ()
            alike = (one for one in there if pattern.fullmatch(one.name))
            self.require_free(sorted(os.path.relpath(one, self.folder) for one in alike))
            self._looked_at.add((parent, kind))

    def adopt(self, names: Iterable[str]) -> None:
        """Record files as the run's own, such as those of a run that it goes on with."""
        for name in names:
            self.record.add(self.verb, name)

    def replace(self) -> None:
        """Remove an earlier run's files now, before the first file is written."""
        if self.replaces:
            self.replaces = False
            self.record.remove()

    def writing(self, path: Path) -> None:
        """Note a file that is about to be written, if it is in the folder.

        Raises:
            UserError: it is there, and not of the record.
        """
        name = os.path.relpath(os.path.abspath(path), self.folder)
        if name.startswith(os.pardir):
            return
        self.replace()
        self.require_free([name])
        self.record.add(self.verb, name)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Files that are written meanwhile are the run's: see `writing`."""
        _claims.append(self)
        try:
            yield
        finally:
            _claims.remove(self)


_claims: list[Claim] = []


def writing(path: Path) -> None:
    """Call it before writing a file: in an output only the run's own files are replaced.

    Raises:
        UserError: the file is there, and not of the output's record.
    """
    for claim in _claims:
        claim.writing(path)


def require_no_others(paths: Iterable[Path], pattern: re.Pattern[str]) -> None:
    """Stop at files that look like those that the run is about to write.

    Args:
        paths: Files that are about to be written, one for each folder and suffix.
        pattern: Of the names that are read, in these folders.

    Raises:
        UserError: naming the file.
    """
    for claim in _claims:
        claim.require_no_others(paths, pattern)
