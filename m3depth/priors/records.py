"""Which frames of an export are written: what makes it resumable and shareable."""

import json
from pathlib import Path
from typing import Any

from m3depth.errors import ConfigError
from m3depth.files import write_json

Record = dict[str, Any]  # plain containers, as JSON holds them


class FrameRecords:
    """One small JSON file per frame, written after the frame's other files.

    Args:
        folder: Holds ``000000.json`` and so on.
        settings: What all frames of one export share; a frame of other settings is refused.
    """

    def __init__(self, folder: Path, settings: Record) -> None:
        self.folder, self.settings = folder, settings

    def done(self, index: int, key: str) -> bool:
        """Whether the frame is written; a skipped one is not.

        Raises:
            ConfigError: it is, but by other settings or from other data.
        """
        if not self._path(index).exists():
            return False
        record = self._load(index)
        if record["key"] != key:
            self._refuse(index, f"shows {record['key']}, not {key}")
        return "skipped" not in record

    def add(self, index: int, key: str, record: Record) -> None:
        """Say that the frame is written."""
        write_json(self._path(index), {"key": key, "settings": self.settings} | record)

    def missing(self, frames: int) -> list[int]:
        """The positions below ``frames`` that are neither written nor skipped."""
        return [index for index in range(frames) if not self._path(index).exists()]

    def all(self, frames: int) -> list[Record]:
        """Every frame's record, in order.

        Raises:
            ConfigError: some are of other settings, or there are more than ``frames``.
        """
        last = max((int(path.stem) for path in self.folder.glob("[0-9]*.json")), default=-1)
        if last >= frames:
            self._refuse(last, f"is of an export of more than {frames} frames")
        return [self._load(index) for index in range(frames)]

    def _load(self, index: int) -> Record:
        record: Record = json.loads(self._path(index).read_text(encoding="utf-8"))
        theirs = record["settings"]
        changed = [key for key, value in self.settings.items() if theirs.get(key) != value]
        if changed:
            self._refuse(index, f"was exported with another {', '.join(changed)}")
        return record

    def _refuse(self, index: int, why: str) -> None:
        raise ConfigError(f"{self._path(index)}: {why}; set output=DIR to an empty folder")

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:06d}.json"
