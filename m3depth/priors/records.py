"""Which frames of an export are written: what makes it resumable and shareable."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from m3depth.errors import ConfigError, DataError
from m3depth.io.files import META, write_json
from m3depth.outputs.claim import writing

Record = dict[str, Any]  # plain containers, as JSON holds them
FRAMES = "frames"  # holds a record of each frame
EXACT = "depth_float"  # holds the depth before rounding, in millimetres, 0 = not known

NONE: Mapping[str, int] = {}
OUR_SUFFIXES = (".json", ".tmp")  # of what a record is written to, and before that


def read_record(path: Path) -> Record:
    """A frame's record, or the metadata; empty where it cannot be read, which is told elsewhere."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def record_paths(scene: Path) -> list[Path]:
    """The files of the frames' records, in order."""
    return sorted((scene / FRAMES).glob("[0-9]*.json"))


def half_written(scene: Path) -> bool:
    """Whether it is an export of ours that has not come to its end.

    It has a folder for records, of which there may be none yet, and no ``depth_meta.json``.
    Others may have a folder of this name too, with pictures in it.
    """
    records = scene / FRAMES
    if (scene / META).is_file() or not records.is_dir():
        return False
    return all(path.suffix in OUR_SUFFIXES for path in records.iterdir())


def require_whole(scene: Path) -> None:
    """Stop at an export of ours that has not come to its end.

    Raises:
        DataError: it is `half_written`.
    """
    if half_written(scene):
        raise DataError(
            f"{scene}: a half-written export, without {META}: run the same m3depth export again, "
            "and it goes on"
        )


class FrameRecords:
    """One small JSON file per frame, written after the frame's other files.

    It has their sizes and their checksums; see `m3depth.priors.edits` for the latter.

    A frame whose record cannot be read, or one of whose files is gone or of another size, counts
    as not written: it is written again.

    Args:
        scene: Its folder ``frames`` holds ``000000.json`` and so on.
        settings: What all frames of one export share; a frame of other settings is refused.
    """

    def __init__(self, scene: Path, settings: Record) -> None:
        self.scene, self.folder, self.settings = scene, scene / FRAMES, settings

    def done(self, index: int, key: str, rig: Record) -> bool:
        """Whether the frame is written; a skipped one is not.

        Raises:
            ConfigError: it is, but by other settings, from other data or by another rig.
        """
        record = self._whole(index)
        if record is None or "skipped" in record:  # the latter may have had no key yet
            return False
        if record["key"] != key:
            self._refuse(index, f"shows {record['key']}, not {key}")
        theirs = record.get("rig", {})
        changed = [name for name, value in rig.items() if theirs.get(name) != value]
        if changed:
            self._refuse(index, f"was exported with another {', '.join(changed)} of the rig")
        return True

    def begin(self, index: int, key: str, names: Iterable[str] = ()) -> None:
        """Say that these files of a frame, below the scene, are being written, before one is."""
        if (self.scene / META).is_file():
            writing(self.scene / META)
            (self.scene / META).unlink()
        self.folder.mkdir(parents=True, exist_ok=True)
        unknown = dict.fromkeys(names)  # not a size: not whole
        head = {"key": key, "settings": self.settings, "bytes": unknown}
        write_json(self._path(index), head)

    def forget(self, index: int) -> None:
        """Remove the frame's files: those that its record names, and nothing else."""
        for name in _named(self._path(index), "bytes"):
            (self.scene / name).unlink(missing_ok=True)

    def add(self, index: int, key: str, record: Record, files: Mapping[str, int] = NONE) -> None:
        """Say that the frame is written, into these files below the scene, of these checksums."""
        sizes = {name: (self.scene / name).stat().st_size for name in files}
        head = {"key": key, "settings": self.settings, "bytes": sizes, "crc32": dict(files)}
        write_json(self._path(index), head | record)

    def missing(self, frames: int) -> list[int]:
        """The positions below ``frames`` that are neither written nor skipped."""
        return [index for index in range(frames) if self._whole(index) is None]

    def all(self, frames: int) -> list[Record]:
        """Every frame's record, in order.

        Raises:
            ConfigError: some are of other settings, or there are more than ``frames``.
        """
        last = max((int(path.stem) for path in record_paths(self.scene)), default=-1)
        if last >= frames:
            self._refuse(last, f"is of an export of more than {frames} frames")
        return [record for record in map(self._whole, range(frames)) if record is not None]

    def _whole(self, index: int) -> Record | None:
        """The record of a frame of which everything is there."""
        record = read_record(self._path(index))
        theirs, sizes = record.get("settings"), record.get("bytes")
        if not isinstance(theirs, dict) or not isinstance(sizes, dict):
            return None
        changed = [key for key, value in self.settings.items() if theirs.get(key) != value]
        if changed:
            self._refuse(index, f"was exported with another {', '.join(changed)}")
        whole = all(_size(self.scene / name) == size for name, size in sizes.items())
        return record if whole else None

    def _refuse(self, index: int, why: str) -> None:
        raise ConfigError(
            f"{self._path(index)}: {why}; set output=DIR to an empty folder, or overwrite=true"
        )

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:06d}.json"


def recorded(scene: Path) -> list[str]:
    """The files of an export that its frames' records name, and those: all by their own paths."""
    paths = record_paths(scene)
    known = [name for path in paths for name in (f"{FRAMES}/{path.name}", *_named(path, "bytes"))]
    if not known or not (scene / META).is_file():
        return known
    return [*known, META, *_named(scene / META, "crc32")]


def _named(path: Path, by: str) -> list[str]:
    """The files below the scene that a record, or the metadata, names."""
    names = read_record(path).get(by)
    inside = (Path(name) for name in (names if isinstance(names, dict) else ()) if name != FRAMES)
    return [str(one) for one in inside if ".." not in one.parts and not one.is_absolute()]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
