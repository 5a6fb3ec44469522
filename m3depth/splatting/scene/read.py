"""From a folder to a scene."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from m3depth.errors import DataError
from m3depth.splatting.scene.clip import Clip, Frame
from m3depth.splatting.scene.endonerf import read_endonerf
from m3depth.splatting.scene.foreign import ForeignScene
from m3depth.splatting.scene.npz import read_npz

Reader = Callable[[Path, Mapping[str, Any], ForeignScene], list[Frame]]

LAYOUTS: Mapping[str, Reader] = {"priors": read_npz, "poses_bounds.npy": read_endonerf}
"""What a layout is known by, and who reads it."""


def read_clip(directory: str | Path, foreign: ForeignScene | None = None) -> Clip:
    """A scene that ``m3depth export`` wrote with writer=npz or endonerf, or one like EndoNeRF's.

    Args:
        directory: The scene's folder.
        foreign: What a folder without ``depth_meta.json`` leaves open.

    Raises:
        DataError: no such folder or layout, a half-written or shortened export, or frames that
            cannot be used; see `Clip.of` and the layouts' readers.
    """
    folder = Path(directory)
    reader = next((read for name, read in LAYOUTS.items() if (folder / name).exists()), None)
    if reader is None:
        raise DataError(
            f"{folder}: no scene: due is {' or '.join(LAYOUTS)} in it, as m3depth export writes "
            "with writer=npz or writer=endonerf"
        )
    meta = _meta(folder)
    frames = reader(folder, meta, foreign or ForeignScene())
    written = meta.get("frames", len(frames))
    if len(frames) != written:
        raise DataError(
            f"{folder}: depth_meta.json counts {written} frames, {len(frames)} are there: the "
            "scene ends early or has strange files in it; copy it again"
        )
    return Clip.of(frames, folder)


def _meta(folder: Path) -> dict[str, Any]:
    path = folder / "depth_meta.json"
    if not path.is_file():
        if (folder / "frames").is_dir():
            raise DataError(
                f"{folder}: a half-written export, without {path.name}: run the same m3depth "
                "export again, and it goes on"
            )
        return {}
    try:
        meta: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: no JSON ({error}); copy the scene again") from None
    return meta
