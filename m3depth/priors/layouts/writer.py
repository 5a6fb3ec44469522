"""The one writer of scenes: frames that are there or not, metadata, the truth before rounding."""

import json
import logging
import re
from collections.abc import Callable, Sequence
from inspect import signature
from operator import attrgetter
from pathlib import Path
from typing import Any

from m3depth.errors import ConfigError, DataError
from m3depth.io.files import META, write_as_named, write_json
from m3depth.outputs.claim import require_no_others
from m3depth.priors.edits import records_checksum
from m3depth.priors.layouts.frame import SceneFrame
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.metadata import crops, scene_meta, unmet_needs
from m3depth.priors.layouts.uncertain import deviations, require_told
from m3depth.priors.layouts.written import WrittenScene
from m3depth.priors.prior import DepthPrior
from m3depth.priors.records import EXACT, FRAMES, FrameRecords, Record
from m3depth.priors.sound import require_sound
from m3depth.types.camera import StereoRig
from m3depth.validation import require_number
from m3depth.version import __version__

NUMBERED = re.compile(r"\d{6}(\.\w+)+")  # a frame's file, whatever folder it is in
UNFINISHED = re.compile(r"\.\d{6}(\.\w+)+\.\d+\.tmp")  # what becomes one

logger = logging.getLogger(__name__)


class SceneWriter:
    """Writes one scene, frame by frame; may be stopped, resumed and shared between processes.

    Whatever the layout, there is also::

        depth_meta.json          what the numbers mean; written last: its presence says "complete"
        depth_float/000000.npy   the depth before rounding, float32, where the layout rounds
        frames/000000.json       one frame's key, pose and bounds; its presence says "written"

    ``index`` is a frame's position in the whole sequence, whichever process writes it. The same
    frames give the same bytes, in whatever order and by however many processes.

    Args:
        directory: The scene.
        layout: Says what files a frame and the scene have, and what their numbers mean.
        min_confidence: Depth of less is left out.
        max_scale_deviation: All depth of a frame whose scale deviates more is left out; None keeps
            every frame.
        model: Name of the network, for the metadata.
        checkpoint_sha256: Of its file, for the metadata.
        asked_size: (height, width) that the frames were brought to before, for the metadata; None
            is each one's own.

    Raises:
        ConfigError: an option is out of range, or the layout's readers need another folder.
    """

    def __init__(
        self,
        directory: str | Path,
        layout: Layout,
        *,
        min_confidence: float = 0.0,
        max_scale_deviation: float | None = None,
        model: str = "",
        checkpoint_sha256: str = "",
        asked_size: Sequence[int] | None = None,
    ) -> None:
        require_number("writer.min_confidence", min_confidence, 0, 1)
        if max_scale_deviation is not None:
            require_number("writer.max_scale_deviation", max_scale_deviation, 0)
        self.folder, self.layout, self.min_confidence = Path(directory), layout, min_confidence
        self.max_scale_deviation, self.model = max_scale_deviation, model
        misplaced = layout.misplaced(self.folder)
        if misplaced:
            raise ConfigError(f"{self.folder}: {misplaced}")
        options = {
            "min_confidence": min_confidence,
            "max_scale_deviation": max_scale_deviation,
            "model": model,
            "checkpoint_sha256": checkpoint_sha256,
            "asked_size": asked_size,
            **layout.settings(),
        }
        self._settings: Record = json.loads(json.dumps(options, default=attrgetter("name")))
        self._settings |= {"version": __version__, "writer": layout.writer}
        self._records = FrameRecords(self.folder, self._settings)
        self._camera: Record | None = None

    def scene_names(self) -> tuple[str, ...]:
        """The files below the export's folder that belong to no single frame."""
        return (META, *self.layout.scene_names())

    def done(self, index: int, key: str, rig: StereoRig) -> bool:
        """Whether this frame was already written, so that it need not be predicted again.

        Args:
            index: Its position.
            key: Names it to people.
            rig: That gives its depth in millimetres.

        Raises:
            ConfigError: it was, but with other settings, from other data or by another rig.
        """
        return self._records.done(index, key, _numbers(rig))

    def write(self, index: int, prior: DepthPrior) -> None:
        """Write one frame.

        Raises:
            DataError: the frame is unsound (see `require_sound`), the layout cannot express its
                camera, or it has another one than the earlier frames.
            ConfigError: its scale's deviation is asked for, and not told.
            UserError: the folder cannot be written to.
        """
        require_sound(prior)
        require_told(prior, self.max_scale_deviation, self.model)
        shaped, change = self.layout.fitted(prior)
        least = self.min_confidence, self.max_scale_deviation
        frame = SceneFrame.of(f"{index:06d}", shaped, self.layout.holds, *least)
        camera = self.layout.camera(frame) | change
        self._camera = self._camera or camera
        self._check_camera(self._camera, camera, prior.key)
        files = dict(self.layout.files(frame))
        if self.layout.rounds:
            files[f"{EXACT}/{frame.name}.npy"] = frame.depth_mm
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
        if frame.scale_deviation is not None:
            record["scale_deviation"] = frame.scale_deviation
        self._records.add(index, prior.key, record, written)

    def skip(self, index: int, key: str, reason: str) -> None:
        """Leave a frame out and nothing of it behind; a resumed export tries it again."""
        self._records.forget(index)
        self._records.begin(index, key)
        self._records.add(index, key, {"skipped": reason})

    def finish(self, frames: int) -> list[int]:
        """Write the scene's own files and ``depth_meta.json`` once every frame is there.

        Returns:
            The positions that are still missing, for other processes to write; the export is
            complete when there are none.

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
        skipped = {one["key"]: one["skipped"] for one in records if "skipped" in one}
        written = [one for one in records if "skipped" not in one]
        uncertain = deviations(self.folder, written, self.max_scale_deviation)
        scene = self._scene(written, skipped)
        files = self.layout.scene(scene).items()
        checksums = {path: write_as_named(self.folder / path, content) for path, content in files}
        meta = scene_meta(self.layout, scene, self._settings)
        cropped, unmet = list(crops(scene)), unmet_needs(self.layout, scene)
        meta["notes"] += [*cropped, *unmet]
        meta |= {"frames": len(scene.records), "skipped": skipped, **uncertain}
        meta["crc32"] = checksums | {FRAMES: records_checksum(self.folder)}
        write_json(self.folder / META, meta)
        for line in cropped:
            logger.info("%s", line)
        for line in unmet:
            logger.warning("%s", line)
        return []

    def _scene(self, written: list[Record], skipped: Record) -> WrittenScene:
        """Of one camera and with usable depth, with a warning about the frames without any."""
        if skipped and not written:
            first = next(iter(skipped.values()))
            raise DataError(f"{self.folder}: every frame was left out: {first}")
        scene = WrittenScene(self.folder, written)
        empty = scene.without_depth
        if len(empty) == len(written):
            raise DataError(
                f"{self.folder}: no frame has one pixel of usable depth: is it all 0, "
                "masked, below writer.min_confidence, or beyond what the layout holds?"
            )
        if empty:
            told = ", ".join(empty[:3]) + (", ..." if len(empty) > 3 else "")
            logger.warning(
                "%d of %d frames have no usable depth: %s", len(empty), len(written), told
            )
        for record in written:
            self._check_camera(written[0]["camera"], record["camera"], record["key"])
        return scene

    def _check_camera(self, first: Record, camera: Record, key: str) -> None:
        if self.layout.one_camera and camera != first:
            raise DataError(
                f"{key}: another size or K than the first frame's; this layout holds one camera: "
                "export the frames of each into a scene of its own"
            )


def scene_writer(
    directory: str | Path, layout: Callable[..., Layout], **options: Any
) -> SceneWriter:
    """A writer and its layout from one flat list of options, as ``conf/writer`` has them.

    Args:
        directory: The scene.
        layout: Makes the layout of those options that it takes.
        options: Of the layout and of `SceneWriter`.

    Raises:
        ConfigError: no such option, or one that is out of range.
    """
    of_layout, of_writer = signature(layout).parameters, signature(SceneWriter).parameters
    unknown = options.keys() - of_layout.keys() - of_writer.keys()
    if unknown:
        raise ConfigError(f"writer.{min(unknown)}: no such setting of this layout")
    made = layout(**{name: value for name, value in options.items() if name in of_layout})
    rest = {name: value for name, value in options.items() if name not in of_layout}
    return SceneWriter(directory, made, **rest)


def _numbers(rig: StereoRig) -> Record:
    """As JSON holds it, at the resolution of the frame as it was read."""
    return {name: float(value) for name, value in rig._asdict().items()}
