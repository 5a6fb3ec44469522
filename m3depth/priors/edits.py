"""What of an export is no longer as it was written."""

import logging
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

from m3depth.errors import ConfigError
from m3depth.io.files import META, checksum
from m3depth.priors.records import FRAMES, read_record, record_paths

NAMED = 3  # files in a message

logger = logging.getLogger(__name__)


def edited_files(scene: Path) -> list[str]:
    """Files of an export, by their paths below the scene, whose content is another by now.

    ``frames`` stands for the records in it. Files that are gone are not among them, and there are
    none without checksums: in scenes of others, and of versions that wrote none.
    """
    found: dict[str, int] = dict(_checksums(scene / META))
    records = found.pop(FRAMES, None)
    for path in record_paths(scene):
        found |= _checksums(path)
    edited = [name for name, one in sorted(found.items()) if _is_another(scene / name, one)]
    changed = records is not None and records != records_checksum(scene)
    return edited + [FRAMES] * changed


def records_checksum(scene: Path) -> int:
    """Of all frames' records together."""
    total = 0
    for path in record_paths(scene):
        total = zlib.crc32(path.read_bytes(), total)
    return total


def tell_edited(scene: Path, edited: Collection[str], what: str) -> None:
    """One line about edited files, if there are any; ``what`` says what becomes of them."""
    if edited:
        logger.warning("%s: changed since the export: %s; %s", scene, few(edited), what)


def require_unedited(scene: Path) -> None:
    """Stop before an export replaces what somebody changed in it.

    Raises:
        ConfigError: files were changed since they were written.
    """
    edited = edited_files(scene)
    if edited:
        raise ConfigError(
            f"{scene}: changed since the export: {few(edited)}; going on would write them anew: "
            "remove them if that is meant, or set output=DIR to another folder"
        )


def few(names: Collection[str]) -> str:
    """The first of them, and how many there are more."""
    more = len(names) - NAMED
    return ", ".join(list(names)[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _checksums(path: Path) -> Mapping[str, int]:
    found = read_record(path).get("crc32")
    return found if isinstance(found, dict) else {}


def _is_another(path: Path, written: int) -> bool:
    return path.is_file() and checksum(path) != written
