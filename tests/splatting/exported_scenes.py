"""Scenes that were exported, to be read and broken."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from small_scenes import priors

from m3depth.geometry import poses
from m3depth.priors.layouts.endonerf.layout import EndoNeRFLayout, EndoNeRFStereoLayout
from m3depth.priors.layouts.layout import Layout
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.writer import SceneWriter, scene_writer
from m3depth.priors.prior import DepthPrior

Make = Callable[[Path], SceneWriter]


def of(layout: type[Layout], name: str = "scene", **options: object) -> Make:
    return lambda folder: scene_writer(folder / name, layout, **options)


WRITERS: dict[str, Make] = {
    "npz": of(NpzLayout),
    "endonerf": of(EndoNeRFLayout, pose_convention=poses.opengl()),
    "eight_bits": of(EndoNeRFLayout, pose_convention=poses.llff(), depth_bits=8),
    "stereo": of(EndoNeRFStereoLayout, "stereo_scene", pose_convention=poses.opencv()),
}


def exported(writer: SceneWriter, frames: tuple[DepthPrior, ...] | None = None) -> Path:
    frames = frames or priors()
    for index, prior in enumerate(frames):
        writer.write(index, prior)
    assert writer.finish(len(frames)) == []
    return writer.folder


def rewrite_npz(scene: Path, **changes: object) -> None:
    path = scene / "priors/000002.npz"
    content = dict(np.load(path)) | changes
    np.savez(path, **content)


def rewrite_record(scene: Path, **changes: object) -> None:
    path = scene / "frames/000001.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def not_ours(scene: Path) -> None:
    shutil.rmtree(scene / "frames")
    (scene / "depth_meta.json").unlink()
