"""From a folder to a scene."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from m3depth.errors import DataError
from m3depth.io.calibration_text import read_json
from m3depth.io.files import META
from m3depth.io.poses_bounds import POSES
from m3depth.log import warn_once
from m3depth.priors.edits import edited_files, few, tell_edited
from m3depth.priors.layouts.endonerf.foreign import ForeignScene
from m3depth.priors.layouts.endonerf.read import read_endonerf
from m3depth.priors.layouts.frame import ReadFrame
from m3depth.priors.layouts.npz.read import read_npz
from m3depth.priors.layouts.stated import DEPTH, METRIC, contradiction
from m3depth.priors.records import require_whole
from m3depth.priors.sound import PLAUSIBLE_MM, camera_doubts
from m3depth.splatting.scene.clip import Clip, ClipFrame

logger = logging.getLogger(__name__)

LEAST_USED = 0.3  # of the pixels: any scene uses more


class Readable(NamedTuple):
    """A kind of folder that can be fitted."""

    known_by: str  # a file or folder in it
    read: Callable[[Path, Mapping[str, Any], ForeignScene, Collection[str]], list[ReadFrame]]
    writers: tuple[str, ...]  # of ours, by the names in depth_meta.json
    foreign: bool  # others write it too, without depth_meta.json


LAYOUTS = (
    Readable("priors", read_npz, ("NpzWriter",), False),
    Readable(POSES, read_endonerf, ("EndoNeRFWriter", "EndoNeRFStereoWriter"), True),
)


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
    require_whole(folder)
    layout = next((one for one in LAYOUTS if (folder / one.known_by).exists()), None)
    if layout is None:
        raise DataError(
            f"{folder}: no scene: expected {' or '.join(one.known_by for one in LAYOUTS)} in it, "
            "as m3depth export writes with writer=npz or writer=endonerf"
        )
    meta = _meta(folder, layout)
    edited = tuple(edited_files(folder)) if meta else ()
    tell_edited(folder, edited, "the scene is taken as it is now")
    read = layout.read(folder, meta, foreign or ForeignScene(), edited)
    frames = [ClipFrame(*frame) for frame in read]
    if meta:
        _require_counted(folder, meta, frames)
    clip = Clip.of(frames, folder, _places(folder, frames) if meta else ())
    _tell(folder, clip, foreign if meta else None)
    return replace(clip, edited=edited, source=str(meta.get("model", "")))


def _tell(folder: Path, clip: Clip, unused: ForeignScene | None) -> None:
    """What may be meant, and is rarely: one line each."""
    if unused not in (None, ForeignScene()):
        logger.warning("%s: its depth_meta.json says all; foreign.* is not used", folder)
    used = sum(float(frame.use.float().mean()) for frame in clip.frames) / len(clip)
    if used < LEAST_USED:
        logger.warning(
            "%s: the masks leave %.0f %% of the pixels; if they are the wrong way round, invert "
            "them (255 - value)",
            folder,
            100 * used,
        )
    empty = [frame.key for frame in clip.frames if not frame.known.any()]
    if empty:
        logger.warning(
            "%s: %d of %d frames have no tissue of a known depth (%s), and no say in the depth",
            *(folder, len(empty), len(clip), few(empty)),
        )
    medians_mm = [float(f.depth_mm[f.known].median()) for f in clip.frames if f.known.any()]
    middle_mm, (low, high) = median(medians_mm), PLAUSIBLE_MM
    if not low <= middle_mm <= high:
        logger.warning(
            "%s: the depth is about %.3g mm; an endoscope sees %g to %g: is its unit right "
            "(baseline_mm of the rig, foreign.depth_unit_mm for a scene of others)?",
            *(folder, middle_mm, low, high),
        )
    first = clip.frames[0]
    for fault in camera_doubts(first.intrinsics, first.size):
        logger.warning("%s: %s: %s; %s", folder, first.key, fault.said, fault.mend)


def _meta(folder: Path, layout: Readable) -> Mapping[str, Any]:
    """What our export says about its numbers; empty for others' scenes."""
    path = folder / META
    if layout.foreign and not path.is_file():
        return {}
    meta = read_json(path)
    if meta.get("writer") not in layout.writers:
        raise DataError(
            f"{path}: of writer {meta.get('writer')}, but this folder is one of "
            f"{' or '.join(layout.writers)}; splat reads what writer=npz, endonerf and "
            "endonerf_stereo write, with their own depth_meta.json"
        )
    against = contradiction(meta, DEPTH)
    if against:
        raise DataError(f"{path}: {against}: it was edited; export the scene again")
    if meta.get("depth_scale", METRIC) != METRIC:
        warn_once(f"{folder}: known up to scale: where mm are said, read the scene's own unit")
    if "kind" not in meta:
        warn_once(f"{path}: does not say what its depth is: taken for {DEPTH} in mm")
    if meta.get("unit_mm", 1.0) != 1.0:
        raise DataError(
            f"{path}: unit_mm is {meta['unit_mm']}, and what m3depth writes in this layout is in "
            "mm: it was edited; export the scene again"
        )
    return meta


def _places(folder: Path, frames: Sequence[ClipFrame]) -> list[int]:
    """In the data that were exported: our files are named by it, and skipped frames leave gaps."""
    strange = [frame.key for frame in frames if not frame.key.isdecimal()]
    if strange:
        raise DataError(
            f"{folder}: a frame called {strange[0]}; m3depth names files by their place in time, "
            "000012: export the scene again"
        )
    return [int(frame.key) for frame in frames]


def _require_counted(folder: Path, meta: Mapping[str, Any], frames: Sequence[ClipFrame]) -> None:
    """Stop at a scene that is not the one its metadata are of."""
    written, size = meta.get("frames"), meta.get("size")
    if len(frames) != written:
        raise DataError(
            f"{folder}: {META} counts {written} frames, {len(frames)} are there: the scene ends "
            "early or has strange files in it; copy it again"
        )
    if frames and size != list(frames[0].size):
        raise DataError(
            f"{folder}: {META} has images of {size} (height, width), {list(frames[0].size)} are "
            "there: it is of another scene; copy both again"
        )
