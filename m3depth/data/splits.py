"""Which frames train and which test: the published splits of SCARED, and a clean one."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from m3depth.errors import ConfigError, DataError
from m3depth.io.frame_lists import parse_numbers, read_list
from m3depth.log import warn_once

FOLDER = Path(__file__).with_name("split_files")
PARTS = ("train", "val", "test")

Frames = Sequence[int] | Literal["all", "still"]


@dataclass(frozen=True)
class Split:
    """Frames by video, "dataset_1/keyframe_1" as the release calls its folders.

    A video's frames are 0-based numbers, or "all" that it has, or its "still": the picture beside
    the video, ``Left_Image.png``, which has the structured light's own depth.
    """

    name: str
    source: str
    warning: str  # "" when nothing speaks against it
    train: Mapping[str, Frames]
    val: Mapping[str, Frames]
    test: Mapping[str, Frames]


def split_names() -> list[str]:
    """The presets."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def frames(split: str, part: str, lists: str | Path | None = None) -> Mapping[str, Frames]:
    """One part of a preset, as a reader's ``frames`` takes it.

    Args:
        split: One of `split_names`.
        part: ``train``, ``val`` or ``test``.
        lists: See `load_split`.

    Raises:
        ConfigError: No such preset, no such part.
        DataError: See `load_split`.
    """
    if part not in PARTS:
        raise ConfigError(f"part={part} is none of {', '.join(PARTS)}")
    found: Mapping[str, Frames] = getattr(load_split(split, lists), part)
    return found


def load_split(name: str, lists: str | Path | None = None) -> Split:
    """A preset, checked, its warning logged once.

    Args:
        name: One of `split_names`.
        lists: A folder with a subfolder ``NAME`` in which the user keeps the published lists:
            they say exactly which frames where no rule could be established. Without them a
            preset says in its warning what it takes instead.

    Raises:
        ConfigError: No such preset.
        DataError: The preset's file is not what it was made as; a list is missing, incomplete or
            not the published one.
    """
    path = FOLDER / f"{name}.yaml"
    if name not in split_names():
        raise ConfigError(f"split={name} is none of {', '.join(split_names())}")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = _shipped(path, content)
    warnings = [content["warning"]] if content["warning"] else []
    for part, published in content.get("published_lists", {}).items():
        file = Path(lists or "LISTS") / name / published["file"]
        if lists is not None and file.is_file():
            parts[part] = read_list(file, published, content["first_frame"])
        elif parts[part]:
            warnings.append(f"{part} {published['else']}; for the published list: {file}")
        else:
            raise DataError(f"{file}: no such file, and no rule gives it: {published['from']}")
    if warnings:
        warn_once(f"split {name}: {'; '.join(warnings)}")
    return Split(name, content["source"], "; ".join(warnings), **parts)


def digest(parts: Mapping[str, Mapping[str, Frames]]) -> str:
    """The SHA-256 of a preset's frames, whatever the file's spelling of them.

    It is taken over one line per part and video, in that order, each line the part, the video and
    ``all``, ``still`` or the 0-based numbers in ascending order, separated by single spaces.
    """
    lines = [
        f"{part} {video} {numbers if isinstance(numbers, str) else ' '.join(map(str, numbers))}\n"
        for part in PARTS
        for video, numbers in sorted(parts[part].items())
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _shipped(path: Path, content: Mapping[str, Any]) -> dict[str, Mapping[str, Frames]]:
    """The lists of a preset's own file, counted and summed."""
    first = content.get("first_frame") or 0  # null: a published list says it
    parts = {part: _listed(content.get(part, {}), first, str(path)) for part in PARTS}
    for part, videos in parts.items():
        numbers = sum(len(said) for said in videos.values() if not isinstance(said, str))
        found = {"videos": len(videos), "numbers": numbers}
        if found != content["counts"][part]:
            raise DataError(f"{path}: {part} has {found}, but counts say {content['counts'][part]}")
    if digest(parts) != content["sha256"]:
        raise DataError(f"{path}: sha256 {digest(parts)} is not the file's own: a list was changed")
    return dict(parts)


def _listed(videos: Mapping[str, Any], first: int, where: str) -> dict[str, Frames]:
    return {
        video: said if said in ("all", "still") else parse_numbers(str(said), first, where)
        for video, said in videos.items()
    }
