"""What settings of a reader stand for: themselves, and the files below every ``root`` in them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def plain_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As plain containers, whether they come from Hydra or not."""
    from omegaconf import DictConfig, OmegaConf

    if not isinstance(settings, DictConfig):
        return dict(settings)
    plain: Any = OmegaConf.to_container(settings, resolve=True)
    return dict(plain)


def digest(settings: object, version: int) -> str:
    """Another one for other settings, or for other names, sizes or times of the files."""
    said = {"version": version, "settings": settings, "files": _files(settings)}
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _files(settings: object) -> list[tuple[str, int, int]]:
    """Name, size and time of every file below each ``root`` in nested settings, or of that file."""
    if isinstance(settings, list):
        return [file for item in settings for file in _files(item)]
    if not isinstance(settings, dict):
        return []
    found = [file for value in settings.values() for file in _files(value)]
    if settings.get("root"):
        root = Path(settings["root"])
        inside = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())
        stats = [(str(path), path.stat()) for path in inside]
        found += [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    return found
