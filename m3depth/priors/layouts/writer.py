"""What every writer shares: frames that are there or not, metadata, the truth before rounding."""

import json
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from m3depth.errors import DataError
from m3depth.geometry.confidence import MEANING
from m3depth.io.files import META, write_as_named, write_json
from m3depth.outputs.claim import require_no_others
from m3depth.priors.edits import records_checksum
from m3depth.priors.layouts.frame import Frame, Map, Mask, Meaning
from m3depth.priors.layouts.habits import Habits
from m3depth.priors.layouts.needs import Poses, Written, unmet_by
from m3depth.priors.prior import DepthPrior
from m3depth.priors.recentre import Margins, told_crop
from m3depth.priors.records import FRAMES, FrameRecords, Record
from m3depth.priors.sound import require_sound
from m3depth.types.camera import StereoRig
from m3depth.validation import require_number
from m3depth.version import __version__

NUMBERED = re.compile(r"\d{6}(\.\w+)+")  # a frame's file, whatever folder it is in
UNFINISHED = re.compile(r"\.\d{6}(\.\w+)+\.\d+\.tmp")  # what becomes one

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class SceneWriter(ABC):
    """Writes one scene, frame by frame; may be stopped, resumed and shared between processes.

    A layout says what files a frame has (`files`), what their numbers mean (`meaning`) and what
    else the scene needs (`scene`). Whatever the layout, there is also::

        depth_meta.json          what the numbers mean; written last: its presence says "complete"
        depth_float/000000.npy   the depth before rounding, float32, where the layout rounds
        frames/000000.json       one frame's key, pose and bounds; its presence says "written"

    The same frames give the same bytes, in whatever order and by however many processes.

    Args:
        directory: The scene.
        min_confidence: Depth of less is left out.
        model: Name of the network, for the metadata.
        checkpoint_sha256: Of its file, for the metadata.
        asked_size: (height, width) that the frames were brought to before, for the metadata; None
            is each one's own.
        readers: The programs that the scene is for, the one whose camera is written first. What
            they need and will not find is told at the end, and noted in the metadata.

    Raises:
        ConfigError: an option is out of range.
    """

    directory: str | Path
    min_confidence: float = field(default=0.0, kw_only=True)
    model: str = field(default="", kw_only=True)
    checkpoint_sha256: str = field(default="", kw_only=True)
    asked_size: Sequence[int] | None = field(default=None, kw_only=True)
    readers: Sequence[Habits] = field(default=(), kw_only=True)

    rounds: ClassVar[bool] = True  # whether the layout's own files lose something of the depth
    one_camera: ClassVar[bool] = True  # whether all frames must have one size and K
    revision: ClassVar[int] = 0  # one more when a frame's files change: earlier ones are not kept

    def __post_init__(self) -> None:
        require_number("writer.min_confidence", self.min_confidence, 0, 1)
        self.folder = Path(self.directory)
        self._camera: Record | None = None
        self._records = FrameRecords(self.folder, self._settings())

    @abstractmethod
    def files(self, frame: Frame) -> Mapping[str, Any]:
        """A frame's files: path below the scene (``FOLDER/NAME.SUFFIX``) to content."""

    @abstractmethod
    def meaning(self) -> Meaning:
        """What the numbers mean."""

    def scene(self, written: list[Record], bounds_mm: tuple[float, float]) -> Mapping[str, Any]:
        """The files that belong to no single frame, once all frames are there."""
        return {}

    def scene_names(self) -> tuple[str, ...]:
        """The paths of those files below the scene, and of the metadata."""
        return (META,)

    def fitted(self, prior: DepthPrior) -> tuple[DepthPrior, Record]:
        """The prior in a shape that the layout can express, and what was done to it."""
        return prior, {}

    def holds(self, depth_mm: Map) -> Mask:
        """Where the layout can express the depth."""
        return depth_mm > 0

    def camera(self, frame: Frame) -> Record:
        """Size and K for the metadata; frames of one scene are compared by it."""
        return {"size": list(frame.size), "K": frame.K.tolist()}

    def done(self, index: int, key: str, rig: StereoRig) -> bool:
        """Whether this frame was written before.

        Raises:
            ConfigError: it was, but with other settings, from other data or by another rig.
        """
        return self._records.done(index, key, _numbers(rig))

    def write(self, index: int, prior: DepthPrior) -> None:
        """Write one frame.

        Raises:
            DataError: the frame is unsound (see `require_sound`), the layout cannot express its
                camera, or it has another one than the earlier frames.
            UserError: the folder cannot be written to.
        """
        require_sound(prior)
        shaped, change = self.fitted(prior)
        frame = Frame.of(f"{index:06d}", shaped, self.holds, self.min_confidence)
        camera = self.camera(frame) | change
        self._camera = self._camera or camera
        self._check_camera(self._camera, camera, prior.key)
        files = dict(self.files(frame))
        if self.rounds:
            files[f"depth_float/{frame.name}.npy"] = frame.depth_mm
        require_no_others([self.folder / path for path in files], NUMBERED)
        self._records.begin(index, prior.key, files)
        written = {path: write_as_named(self.folder / path, one) for path, one in files.items()}
        record = {
            "name": frame.name,
            "camera": camera,
            "rig": _numbers(prior.rig),
            "camera_to_world": frame.camera_to_world.tolist(),
            "bounds_mm": frame.bounds_mm(),
        }
        self._records.add(index, prior.key, record, written)

    def skip(self, index: int, key: str, reason: str) -> None:
        """Leave a frame out and nothing of it behind; a resumed export tries it again."""
        self._records.forget(index)
        self._records.begin(index, key)
        self._records.add(index, key, {"skipped": reason})

    def finish(self, frames: int) -> list[int]:
        """Write the scene's own files and ``depth_meta.json`` once every frame is there.

        Returns:
            The positions that are missing; the export is complete when there are none.

        Raises:
            ConfigError: frames of another export are in the way.
            DataError: no frame was written or has a usable depth, or they are not of one camera.
        """
        missing = self._records.missing(frames)
        if missing:
            return missing
        for leftover in self.folder.glob("*/.[0-9]*.tmp"):
            if UNFINISHED.fullmatch(leftover.name):  # of a process that was killed
                leftover.unlink(missing_ok=True)
        records = self._records.all(frames)
        written = [record for record in records if "skipped" not in record]
        if records and not written:
            raise DataError(f"{self.folder}: every frame was left out: {records[0]['skipped']}")
        near_far_mm = self._scene_bounds(written)
        empty = [record["key"] for record in written if not record["bounds_mm"]]
        if empty:
            few = ", ".join(empty[:3]) + (", ..." if len(empty) > 3 else "")
            logger.warning(
                "%d of %d frames have no usable depth: %s", len(empty), len(written), few
            )
        for record in written:
            self._check_camera(written[0]["camera"], record["camera"], record["key"])
        scene = self.scene(written, near_far_mm).items()
        checksums = {path: write_as_named(self.folder / path, content) for path, content in scene}
        skipped = {r["key"]: r["skipped"] for r in records if "skipped" in r}
        counts = {"frames": len(written), "skipped": skipped}
        sums = {"crc32": checksums | {FRAMES: records_checksum(self.folder)}}
        told = self._unmet(written)
        cropped = _told_crop(written[0]["camera"])
        write_json(
            self.folder / META, self._meta(written, near_far_mm, [*cropped, *told]) | counts | sums
        )
        for line in cropped:
            logger.info("%s", line)
        for line in told:
            logger.warning("%s", line)
        return []

    def _settings(self) -> Record:
        """All options but the folder, as JSON holds them: frames of others are not mixed in.

        A pose convention goes by its name.
        """
        names = [f.name for f in fields(self) if f.name not in ("directory", "readers")]
        values = {name: getattr(self, name) for name in names}
        if self.revision:
            values["revision"] = self.revision
        plain: Record = json.loads(json.dumps(values, default=attrgetter("name")))
        return plain | {"version": __version__, "writer": type(self).__name__}

    def read_poses(self, written: list[Record]) -> Poses:
        """Camera-to-world as the readers will have it, in mm and OpenCV's axes and world."""
        return np.array([record["camera_to_world"] for record in written], np.float64)

    def _unmet(self, written: list[Record]) -> list[str]:
        """What the readers need and will not find, a line each."""
        scene = Written(
            folder=self.folder,
            size=tuple(written[0]["camera"]["size"]),
            poses=self.read_poses(written),
            names=[record["key"] for record in written],
            without_depth=[record["key"] for record in written if not record["bounds_mm"]],
        )
        unmet = (one for reader in self.readers for one in unmet_by(scene, reader))
        return [f"{one.said}; {one.mend}" for one in unmet]

    def _meta(
        self, written: list[Record], near_far_mm: tuple[float, float], told: list[str]
    ) -> Record:
        camera, meaning = written[0]["camera"], self.meaning()
        return {
            **self._settings(),
            **meaning.record(),
            "notes": [*meaning.notes, *told],
            **camera,  # after the settings: its size is the images', an option's may be null
            "K_varies": any(record["camera"] != camera for record in written),
            "near": near_far_mm[0] / meaning.unit_mm,
            "far": near_far_mm[1] / meaning.unit_mm,
            "confidence": {
                "kind": MEANING,
                "excluded_below": self.min_confidence,
            },
        }

    def _scene_bounds(self, written: list[Record]) -> tuple[float, float]:
        bounds_mm = [record["bounds_mm"] for record in written if record["bounds_mm"]]
        if not bounds_mm:
            raise DataError(
                f"{self.folder}: no frame has one pixel of usable depth: is it all 0, "
                "masked, below writer.min_confidence, or beyond what the layout holds?"
            )
        return min(near for near, _ in bounds_mm), max(far for _, far in bounds_mm)

    def _check_camera(self, first: Record, camera: Record, key: str) -> None:
        if self.one_camera and camera != first:
            raise DataError(
                f"{key}: another size or K than the first frame's; this layout holds one camera: "
                "export the frames of each into a scene of its own"
            )


def _told_crop(camera: Record) -> list[str]:
    """What was cut off every frame: all of a scene have one camera."""
    if "cropped_px" not in camera:
        return []
    margins, (height, width) = Margins(**camera["cropped_px"]), camera["size"]
    said = told_crop(margins, (height, width))
    whole = [height + margins.top + margins.bottom, width + margins.left + margins.right]
    native = camera.get("resized_from", whole)
    if native != whole:
        resized = f"resized from {native[1]}x{native[0]} to {whole[1]}x{whole[0]}"
        if not said:
            return [f"every frame: {resized}"]
        said = f"{resized}; {said}"
    why = "so that the principal point is where this layout's readers take it to be"
    return [f"every frame, {why}: {said}"] if said else []


def _numbers(rig: StereoRig) -> Record:
    """As JSON holds it, at the resolution of the frame as it was read."""
    return {name: float(value) for name, value in rig._asdict().items()}
