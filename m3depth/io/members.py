"""Numbered files of one kind, in a folder or in a tar archive that is never unpacked."""

import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from m3depth.errors import DataError
from m3depth.log import warn_once

LISTED_BELOW_BYTES = 1 << 26  # a larger archive takes too long to be read through for a count


def find_members(folder: Path, stem: str, suffix: str) -> "Members | None":
    """The files ``STEM<number>SUFFIX``, wherever they are.

    They may lie in ``folder/STEM``, in ``folder`` itself, or in ``folder/STEM.tar[.gz]`` (.tgz);
    unpacked ones are taken where there are both. None where there are none.
    """
    for place in (folder / stem, folder):
        files = place.glob(f"{stem}*{suffix}")
        numbered = {number(file.name): file for file in files if file.is_file()}
        if numbered:
            return FolderMembers(place, stem, suffix, numbered)
    archives = (folder / f"{stem}{ending}" for ending in (".tar.gz", ".tgz", ".tar"))
    found = next((path for path in archives if path.is_file()), None)
    return None if found is None else ArchiveMembers(found, stem, suffix)


def number(name: str) -> int:
    """The last number in a name before its suffix; a `DataError` where there is none."""
    digits = re.findall(r"\d+", name.partition(".")[0])
    if not digits:
        raise DataError(f"{name}: no frame number in the name")
    return int(digits[-1])


@dataclass(frozen=True)
class FolderMembers:
    """Unpacked files that the last number in their names identifies, padded or not."""

    path: Path
    stem: str
    suffix: str
    numbered: dict[int, Path] = field(repr=False)

    def count(self) -> int:
        """One more than the largest number."""
        return max(self.numbered) + 1

    def read(self, number: int) -> bytes | None:
        """The file of a number; None beyond the last one.

        Raises:
            DataError: it is missing though later ones are there, or cannot be read.
        """
        if number >= self.count():
            return None
        if number not in self.numbered:
            raise DataError(f"{self.path}: {self.stem}{number:06d}{self.suffix} is missing")
        try:
            return self.numbered[number].read_bytes()
        except OSError as error:
            raise DataError(f"{self.numbered[number]}: {error.strerror}") from None


@dataclass(frozen=True)
class ArchiveMembers:
    """Files in a tar archive, read from it in memory: no member's path is ever written to.

    A compressed archive can only be read from its beginning: frames in order are cheap, and one
    before the last read costs all that lies before it again.
    """

    path: Path
    stem: str
    suffix: str

    @property
    def is_large(self) -> bool:
        """Whether reading it through takes long."""
        return self.path.stat().st_size > LISTED_BELOW_BYTES

    def count(self) -> int | None:
        """One more than the largest number; None where finding out takes too long."""
        return None if self.is_large else _archive(self, os.getpid()).count()

    def read(self, number: int) -> bytes | None:
        """See `FolderMembers.read`."""
        return _archive(self, os.getpid()).read(number)


Members = FolderMembers | ArchiveMembers


class _OpenArchive:
    def __init__(self, of: ArchiveMembers) -> None:
        self.of = of
        self._seen: dict[int, tarfile.TarInfo] = {}
        self._rest = self._members()
        self._damage: DataError | None = None
        self._read_to = 0

    def count(self) -> int:
        for _ in self._rest:
            pass
        if self._damage:
            raise self._damage
        return max(self._seen, default=-1) + 1

    def read(self, wanted: int) -> bytes | None:
        if wanted not in self._seen:
            next((found for found in self._rest if found == wanted), None)
        if wanted in self._seen:
            return self._content(self._seen[wanted])
        if wanted >= self.count():
            return None
        name = f"{self.of.stem}{wanted:06d}{self.of.suffix}"
        raise DataError(f"{self.of.path}: {name} is missing from the archive; download it again")

    def _content(self, member: tarfile.TarInfo) -> bytes:
        if member.offset < self._read_to and self.of.is_large:
            warn_once(
                f"{self.of.path}: read out of order, which starts it from its beginning each time; "
                f"unpack it there (tar -xf {self.of.path.name}) to read any frame at once"
            )
        self._read_to = member.offset
        try:
            file = self._tar.extractfile(member)
            content = b"" if file is None else file.read()
        except _BROKEN as error:
            raise self._truncated(error) from None
        if len(content) < member.size:
            raise self._truncated(EOFError(f"within {member.name}"))
        return content

    def _members(self) -> Iterator[int]:
        try:
            self._tar = tarfile.open(self.of.path)  # noqa: SIM115 (kept open, see `_archive`)
            while (member := self._tar.next()) is not None:
                name = Path(member.name).name
                is_one = name.startswith(self.of.stem) and name.endswith(self.of.suffix)
                if member.isfile() and is_one:
                    self._seen[number(name)] = member
                    yield number(name)
        except _BROKEN as error:
            self._damage = self._truncated(error)
            raise self._damage from None

    def _truncated(self, error: Exception) -> DataError:
        last = max(self._seen, default=None)
        where = "" if last is None else f" after frame {last}"
        what = (str(error).splitlines() or ["unreadable"])[0]
        return DataError(f"{self.of.path}: truncated or damaged{where} ({what}); copy it again")


_BROKEN = (tarfile.TarError, OSError, EOFError, zlib.error)


@lru_cache(maxsize=4)
def _archive(of: ArchiveMembers, process: int) -> _OpenArchive:
    """Opened once in each process: after a fork, two would move one file's position."""
    return _OpenArchive(of)
