"""The layout of EndoNeRF, EndoGaussian, Deform3DGS, SurgicalGS and gsplat's G-SHARP."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

import m3depth
from m3depth.errors import ConfigError, DataError
from m3depth.files import Array, write_json, write_npy, write_png
from m3depth.priors.confidence import MEANING
from m3depth.priors.poses import PoseConvention
from m3depth.priors.prior import DepthPrior
from m3depth.priors.recentre import recentred
from m3depth.priors.records import FrameRecords, Record

BOUNDS_PERCENT = (0.1, 99.9)  # of the used depths, so that a few stray pixels do not stretch them
SQUARE_TOLERANCE = 0.005  # of fx / fy: the layout has one focal length
EXCLUDE = 255


class EndoNeRFWriter:
    """Writes one scene.

    Layout::

        images/000000.png        RGB, 8 bit
        depth/000000.png         z in millimetres, 0 = unknown
        masks/000000.png         255 = exclude (tools, unknown depth, low confidence), else 0
        poses_bounds.npy         [N, 17]: [R | t | (H, W, f)] camera-to-world by rows, near, far; mm
        depth_meta.json          what the numbers mean; written last: its presence says "complete"
        depth_float/000000.npy   the depth before rounding, float32
        frames/000000.json       one frame's key, pose and bounds; its presence says "written"

    Readers take the principal point to be (W // 2, H // 2), so images are cropped until it is; the
    rest, at most half a pixel, is in ``depth_meta.json``. Unknown depth is in the mask too, because
    the readers' percentile clip would revive the zeros. The same frames give the same bytes.

    Args:
        directory: The scene.
        pose_convention: The reader's; OpenGL's for EndoGaussian, SurgicalGS and Deform3DGS.
        depth_bits: 16, or 8 for readers that cannot do more (depth beyond 255 mm is excluded).
        min_confidence: Pixels below it are excluded.
        model: Name of the network, for the metadata.
        checkpoint_sha256: Of its file, for the metadata.

    Raises:
        ConfigError: an option is out of range.
    """

    def __init__(
        self,
        directory: str | Path,
        pose_convention: PoseConvention,
        depth_bits: int = 16,
        min_confidence: float = 0.0,
        model: str = "",
        checkpoint_sha256: str = "",
    ) -> None:
        if depth_bits not in (8, 16):
            raise ConfigError(f"writer.depth_bits={depth_bits}: a PNG holds 8 or 16")
        if not 0 <= min_confidence <= 1:
            raise ConfigError(f"writer.min_confidence={min_confidence}: expected 0 to 1")
        self.directory = Path(directory)
        self.pose_convention, self.min_confidence = pose_convention, min_confidence
        self.deepest_mm = 2**depth_bits - 1
        self._depth_type = np.dtype(f"uint{depth_bits}")
        self._camera: Record | None = None
        settings = {
            "checkpoint_sha256": checkpoint_sha256,
            "depth_bits": depth_bits,
            "min_confidence": min_confidence,
            "model": model,
            "pose_convention": pose_convention.name,
            "version": m3depth.__version__,
        }
        self._records = FrameRecords(self.directory / "frames", settings)

    def done(self, index: int, key: str) -> bool:
        """Whether this frame was written before.

        Raises:
            ConfigError: it was, but with other settings or from other data.
        """
        return self._records.done(index, key)

    def write(self, index: int, prior: DepthPrior) -> None:
        """Write one frame.

        Raises:
            DataError: no calibration, a principal point too far out, pixels that are not square, or
                a camera other than the earlier frames'.
            UserError: the folder cannot be written to.
        """
        prior.require_millimetres()
        centred, margins = recentred(prior)
        camera = _camera(centred) | {"cropped_px": margins._asdict()}
        self._camera = self._camera or camera
        _check_camera(self._camera, camera, prior.key)
        self._not_complete()

        depth_mm = centred.depth_mm[0].numpy().astype(np.float32)
        whole_mm = np.where(np.rint(depth_mm) <= self.deepest_mm, np.rint(depth_mm), 0)
        excluded = self._excluded(centred, whole_mm)
        colours = (centred.image * 255).round().clamp(0, 255).byte().permute(1, 2, 0)
        write_png(self._path("images", index), colours.numpy())
        write_png(self._path("depth", index), whole_mm.astype(self._depth_type))
        write_png(self._path("masks", index), np.where(excluded, EXCLUDE, 0).astype(np.uint8))
        write_npy(self._path("depth_float", index, ".npy"), depth_mm)
        record = {
            "camera": camera,
            "pose": self.pose_convention.from_opencv(prior.camera_to_world.double()).tolist(),
            "bounds_mm": _bounds(depth_mm[~excluded]),
        }
        self._records.add(index, prior.key, record)

    def skip(self, index: int, key: str, reason: str) -> None:
        """Leave a frame out and nothing of it behind; a resumed export tries it again."""
        self._not_complete()
        for folder in ("images", "depth", "masks"):
            self._path(folder, index).unlink(missing_ok=True)
        self._path("depth_float", index, ".npy").unlink(missing_ok=True)
        self._records.add(index, key, {"skipped": reason})

    def finish(self, frames: int) -> list[int]:
        """Write ``poses_bounds.npy`` and ``depth_meta.json`` once every frame is there.

        Returns:
            The positions that are missing; the export is complete when there are none.

        Raises:
            ConfigError: frames of another export are in the way.
            DataError: no frame has a usable depth, or they are not of one camera.
        """
        missing = self._records.missing(frames)
        if missing:
            return missing
        records = self._records.all(frames)
        written = [record for record in records if "skipped" not in record]
        scene_mm = self._scene_bounds(written)
        for record in written:
            _check_camera(written[0]["camera"], record["camera"], record["key"])
        rows = [_pose_row(record, scene_mm) for record in written]
        write_npy(self.directory / "poses_bounds.npy", np.array(rows, np.float64))
        skipped = {r["key"]: r["skipped"] for r in records if "skipped" in r}
        write_json(
            self.directory / "depth_meta.json",
            _meta(written[0], scene_mm) | {"frames": len(written), "skipped": skipped},
        )
        return []

    def _excluded(self, prior: DepthPrior, whole_mm: Array) -> Array:
        used = torch.from_numpy(whole_mm > 0) & (prior.confidence[0] >= self.min_confidence)
        excluded: Array = ~(used if prior.use is None else used & prior.use[0]).numpy()
        return excluded

    def _scene_bounds(self, written: list[Record]) -> list[float]:
        bounds_mm = [record["bounds_mm"] for record in written if record["bounds_mm"]]
        if not bounds_mm:
            raise DataError(f"{self.directory}: no frame has one pixel of usable depth")
        return [min(near for near, _ in bounds_mm), max(far for _, far in bounds_mm)]

    def _not_complete(self) -> None:
        (self.directory / "depth_meta.json").unlink(missing_ok=True)

    def _path(self, folder: str, index: int, suffix: str = ".png") -> Path:
        return self.directory / folder / f"{index:06d}{suffix}"


def _camera(prior: DepthPrior) -> Record:
    fx, fy = float(prior.rig.fx), float(prior.rig.fy)
    if abs(fx / fy - 1) > SQUARE_TOLERANCE:
        raise DataError(
            f"{prior.key}: fx {fx:g} and fy {fy:g}; this layout has one focal length: resize the "
            "images until their pixels are square"
        )
    height, width = prior.size
    focal_px = (fx + fy) / 2
    return {
        "size": [height, width],
        "focal_px": focal_px,
        "K": [[focal_px, 0.0, width // 2], [0.0, focal_px, height // 2], [0.0, 0.0, 1.0]],
        "K_exact": prior.rig.matrix().tolist(),
    }


def _check_camera(first: Record, camera: Record, key: str) -> None:
    if camera != first:
        raise DataError(
            f"{key}: another size or K than the first frame's; this layout holds one camera: "
            "export the frames of each into a scene of its own"
        )


def _bounds(used_mm: Array) -> list[float] | None:
    return [float(v) for v in np.percentile(used_mm, BOUNDS_PERCENT)] if used_mm.size else None


def _pose_row(record: Record, scene_mm: Sequence[float]) -> list[float]:
    camera = record["camera"]
    column = np.array([*camera["size"], camera["focal_px"]])[:, None]
    pose = np.hstack([np.array(record["pose"]), column])
    return [*pose.flatten().tolist(), *(record["bounds_mm"] or scene_mm)]


def _meta(record: Record, scene_mm: Sequence[float]) -> Record:
    camera, settings = record["camera"], record["settings"]
    exact, read = np.array(camera["K_exact"]), np.array(camera["K"])
    return {
        "kind": "depth along z",
        "unit": "mm",
        "scale": 1.0,
        "offset": 0.0,
        "invalid": 0,
        "mask_polarity": f"{EXCLUDE} = exclude: tool, unknown depth, low confidence",
        "near": scene_mm[0],
        "far": scene_mm[1],
        "principal_remainder_px": (exact - read)[:2, 2].tolist(),
        "confidence": {
            "kind": MEANING,
            "excluded_below": settings["min_confidence"],
        },
        **camera,
        **settings,
    }
