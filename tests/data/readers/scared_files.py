"""Built-in scenes written out as SCARED's folder, with everything that is known of them."""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from raw_cameras import RawCameras, RawFrame, look, raw_cameras, scene_for

from m3depth.data.synthetic.tissue_scene import Scene

FRAMES_PER_S = 25.0
XYZ = {"photometric": "minisblack", "planarconfig": "contig"}


@dataclass
class WrittenSequence:
    """A sequence on disk, and the scene that it shows."""

    name: str
    folder: Path
    cameras: RawCameras
    scene: Scene
    frames: list[RawFrame]

    def time_s(self, frame: int) -> float:
        return frame / FRAMES_PER_S


def write_sequence(
    root: Path,
    name: str = "dataset_1/keyframe_1",
    size: tuple[int, int] = (256, 320),
    frames: int = 3,
    poses: int | None = None,
    points: int | None = None,
    unpacked: bool = False,
    **cameras: float,
) -> WrittenSequence:
    """A keyframe and, where there are frames, a video; fewer poses or points where they say so."""
    number = sum(int(digit) for digit in name if digit.isdigit())
    rig = raw_cameras(size, **cameras)
    scene = scene_for(rig, number, tools=True)
    shown = [look(scene, rig, frame / FRAMES_PER_S) for frame in range(max(1, frames))]
    written = WrittenSequence(name, root / name, rig, scene, shown)
    (written.folder / "data").mkdir(parents=True)
    write_calibration(written.folder / "endoscope_calibration.yaml", rig)
    write_keyframe(written.folder, shown[0])
    if frames:
        data = written.folder / "data"
        write_video(data / "rgb.mp4", shown)
        kinds = {
            "frame_data": {
                f"frame_data{i:06d}.json": frame_json(rig, frame)
                for i, frame in enumerate(shown[: frames if poses is None else poses])
            },
            "scene_points": {
                f"scene_points{i:06d}.tiff": points_tiff(frame)
                for i, frame in enumerate(shown[: frames if points is None else points])
            },
        }
        for kind, files in kinds.items():
            if files:
                (write_folder if unpacked else write_archive)(data / kind, files)
    return written


def write_calibration(path: Path, cameras: RawCameras, without: str = "") -> None:
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    matrices = {
        "M1": cameras.matrices[0],
        "D1": cameras.distortions[0][None],
        "M2": cameras.matrices[1],
        "D2": cameras.distortions[1][None],
        "R": cameras.rotation,
        "T": cameras.translation_mm[:, None],
    }
    for name, matrix in matrices.items():
        if name != without:
            storage.write(name, matrix)
    storage.release()


def write_keyframe(folder: Path, frame: RawFrame) -> None:
    for side, picture in zip(("Left", "Right"), frame.pictures, strict=True):
        cv2.imwrite(str(folder / f"{side}_Image.png"), picture[..., ::-1])
    points = frame.points_mm[0].copy()
    points[:4, :4] = np.nan  # SCARED's keyframes mark the unknown by NaN
    tifffile.imwrite(folder / "left_depth_map.tiff", points, **XYZ)


def write_video(path: Path, frames: list[RawFrame]) -> None:
    height, width = frames[0].pictures[0].shape[:2]
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*"mp4v"), FRAMES_PER_S, (width, 2 * height)
    )
    for frame in frames:
        writer.write(np.ascontiguousarray(np.concatenate(frame.pictures)[..., ::-1]))
    writer.release()


def frame_json(cameras: RawCameras, frame: RawFrame) -> bytes:
    said = {
        "KL": cameras.matrices[0],
        "KR": cameras.matrices[1],
        "DL": cameras.distortions[0][None],
        "DR": cameras.distortions[1][None],
        "R": cameras.rotation,
        "T": cameras.translation_mm[None],
    }
    content = {
        "camera-calibration": {name: values.tolist() for name, values in said.items()},
        "camera-pose": np.linalg.inv(frame.camera_to_world).tolist(),
        "timestamp": 0,
    }
    return json.dumps(content).encode()


def points_tiff(frame: RawFrame) -> bytes:
    left = frame.points_mm[0].copy()
    left[:4, :4] = 0  # its videos mark the unknown by 0
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.concatenate([left, frame.points_mm[1]]), **XYZ)
    return buffer.getvalue()


def write_archive(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path.with_name(f"{path.name}.tar.gz"), "w:gz", compresslevel=1) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_folder(path: Path, files: dict[str, bytes]) -> None:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_bytes(content)
