"""``m3depth reconstruct``."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import Dataset, Subset

from m3depth.cli.camera_scores import summary
from m3depth.cli.inputs import data_inputs
from m3depth.cli.reconstructed_scale import source_beside, told_scale
from m3depth.errors import ConfigError
from m3depth.evaluation.result_files import version
from m3depth.geometry.identifiability import Uncertainty
from m3depth.geometry.tsdf import Mesh, ply_bytes, require_open3d
from m3depth.io.files import write_bytes, write_csv, write_json
from m3depth.io.rig_file import read_rig
from m3depth.io.tum import TimedPoses, write_tum
from m3depth.outputs.output import Output
from m3depth.reconstruction.colmap import can_write, colmap_files
from m3depth.reconstruction.followed import Followed
from m3depth.reconstruction.following import follow
from m3depth.reconstruction.input_clip import InputClip
from m3depth.reconstruction.kept import Kept
from m3depth.reconstruction.looked_at import LookedAt
from m3depth.reconstruction.loops import Loop, find_loops
from m3depth.reconstruction.motion.contract import MotionSource
from m3depth.reconstruction.pose_graph import closed
from m3depth.reconstruction.scene import scene_writer, write_scene
from m3depth.reconstruction.scores import score_surface, score_track
from m3depth.reconstruction.surface import fuse, voxel_for
from m3depth.reconstruction.tells_k import told_of_k
from m3depth.reconstruction.track import track_of
from m3depth.reconstruction.unit import Unit, find_unit
from m3depth.report.reconstruction_page import not_told, write_reconstruction_report
from m3depth.sources.source import Source
from m3depth.types import StereoBatch, Track
from m3depth.validation import require_number, require_switch

INPUTS = ("input", "rig", "predictions", "pairs", "anchor", "poses")
FOUND_WITH = (  # what the frames' motion depends on
    *("input", "data", "rig", "size", "first", "count", "every", "motion", "poses", "checkpoint"),
    "poses_unit_mm",
)
FILES = (
    *("poses.txt", "intrinsics.csv", "mesh.ply", "metrics.json", "reconstruction.json"),
    "report.html",
)

logger = logging.getLogger(__name__)


class Camera(NamedTuple):
    """What was found of the camera."""

    followed: Followed
    track: Track  # in ``unit``
    unit: Unit
    loops: list[Loop]
    millimetres: dict[str, Any]  # where they are from, if the motion did not say them

    @property
    def places(self) -> list[int]:
        """Of the frames that are used."""
        return [step.place for step in self.followed.steps]


def reconstruct(config: DictConfig) -> None:
    """One video to a path, K, a surface and a scene."""
    OmegaConf.resolve(config)
    _require_options(config)
    motion = instantiate(config.motion, _convert_="all")
    source = source_beside(motion, config)
    frames = _frames(config, source)
    data = {} if config.get("data") is None else data_inputs(config.data)
    output = Output(
        config.output,
        "reconstruct",
        inputs={**{key: config[key] for key in INPUTS}, **data},
        needs={"checkpoint": config.checkpoint},
        overwrite=config.overwrite,
        goes_on=not config.overwrite,
        when_stopped=f"; the same command with output={config.output} goes on where it was",
        names=FILES,
    )
    with output.claimed() as claim:
        claim.replace()
        _reconstruct(config, frames, source, motion)


def _require_options(config: DictConfig) -> None:
    require_open3d("reconstruct")
    if (config.input is None) == (config.get("data") is None):
        raise ConfigError("give either input=VIDEO or data=NAME")
    require_number("first", config.first, 0, whole=True)
    require_number("every", config.every, 1, whole=True)
    require_switch("loops", config.loops)
    for name, least in (("count", 1), ("voxel", 1e-6)):
        if config[name] is not None:
            require_number(name, config[name], least, whole=name == "count")


def _frames(config: DictConfig, source: Source) -> Dataset[StereoBatch]:
    """The frames that are asked for."""
    whole: Any
    if config.input is None:
        whole = instantiate(config.data.test, _convert_="all")
    elif source.needs:
        raise ConfigError(
            f"source: {source.model} needs {' and '.join(sorted(source.needs))} of each frame, and "
            "input= has images alone; it works on data="
        )
    else:
        rig = read_rig(Path(config.rig)) if config.rig else None
        whole = InputClip(str(config.input), config.size, rig)
    last = len(whole) if config.count is None else config.first + config.count * config.every
    chosen = range(config.first, min(last, len(whole)), config.every)
    if not len(chosen):
        raise ConfigError(f"first={config.first}: there are {len(whole)} frames")
    return Subset(whole, chosen)


def _reconstruct(
    config: DictConfig, frames: Dataset[StereoBatch], source: Source, motion: MotionSource
) -> None:
    folder = Path(config.output)
    plain: Any = OmegaConf.to_container(config, resolve=True)
    frames = LookedAt.of(frames)
    camera = _camera(config, frames, source, motion, folder)
    track, unit = camera.track, camera.unit
    write_path(folder, track, unit)
    write_scene(frames, camera.places, track, source, scene_writer(folder, unit, source), unit)
    voxel = voxel_for(track, unit, config.voxel)
    mesh = fuse(folder, voxel)
    write_bytes(folder / "mesh.ply", ply_bytes(mesh))
    _write_colmap(folder, mesh, voxel, track)

    scores = score_track(camera.followed, track)
    sure = told_of_k(folder) if camera.followed.steps[1].cameras else None
    write_intrinsics(folder, track, "" if sure is None else str(sure.identifiable).lower())
    if "intrinsics" in scores:
        scores["intrinsics"]["identifiable"] = sure is None or sure.identifiable
    surface = score_surface(frames, camera.followed, folder, mesh, unit.metric)
    scores |= {"surface": surface} if surface else {}
    record = {
        "frames": len(camera.places),
        "frames_of": len(frames),
        "skipped": camera.followed.skipped,
        "scale": unit.name,
        **({"millimetres": camera.millimetres} if camera.millimetres else {}),
        "loops": len(camera.loops),
        "path_length": _length(track),
        "triangles": len(mesh.triangles),
        "voxel": voxel,
        "depth": source.model,
        "motion": motion.model,
        **({"K": _uncertainty(sure)} if sure else {}),
        **version(plain),
    }
    write_json(folder / "reconstruction.json", record)
    if scores:
        write_json(folder / "metrics.json", {**scores, **record})
    name = Path(str(config.input)).name if config.input else "data"
    notes = {
        "depth": source.model,
        "motion": motion.model,
        "configuration": OmegaConf.to_yaml(config),
    }
    write_reconstruction_report(
        folder / "report.html",
        *(f"reconstruct: {name}", track, camera.followed, mesh, unit, record, scores, notes),
    )
    for line in _summary(record, scores):
        logger.info(line)
    logger.info("report: %s", (folder / "report.html").resolve())


def _camera(
    config: DictConfig,
    frames: Dataset[StereoBatch],
    source: Source,
    motion: MotionSource,
    folder: Path,
) -> Camera:
    """The path through all frames, closed at its loops, in one unit with the depth."""
    plain: Any = OmegaConf.to_container(config, resolve=True)
    asked = {name: plain.get(name) for name in FOUND_WITH} | {"model": motion.model}
    asked |= {"motion_sha256": motion.checkpoint_sha256}
    followed = follow(frames, motion, Kept(folder / "state/camera.json", asked))
    track = track_of(followed)
    places = [step.place for step in followed.steps]
    unit = find_unit(source, frames, places, motion.scale)
    told = told_scale(config, source, frames, places, track) if not unit.metric else None
    record = told.record if told else {}
    unit = told.instead_of(unit) if told else unit
    poses = track.camera_to_world.clone()
    poses[:, :3, 3] *= unit.factor
    track = track._replace(camera_to_world=poses)
    if not (plain["loops"] and motion.drifts):
        return Camera(followed, track, unit, [], record)
    kept = Kept(folder / "state/loops.json", asked | {"source": source.model, "unit": unit.factor})
    known = kept.load()
    if known is None:
        known = [one._asdict() for one in find_loops(frames, followed, track, source, unit)]
        kept.save(known)
    loops = [Loop(**one) for one in known]
    return Camera(followed, closed(track, loops, unit.depth), unit, loops, record)


def write_path(folder: Path, track: Track, unit: Unit) -> None:
    """``poses.txt``."""
    times, poses = track.time_s.double().numpy(), track.camera_to_world.double().numpy()
    write_tum(folder / "poses.txt", TimedPoses(times, poses, unit.name))


def write_intrinsics(folder: Path, track: Track, identifiable: str) -> None:
    """``intrinsics.csv``; ``identifiable`` is true or false, or "" where K was given."""
    fx, fy, cx, cy = (value.double().tolist() for value in track.cameras[:4])
    rows = zip(track.names, track.time_s.double().tolist(), fx, fy, cx, cy, strict=True)
    names = ("frame", "time_s", "fx", "fy", "cx", "cy")
    told = {"identifiable": identifiable}
    lines = [dict(zip(names, row, strict=True)) | told for row in rows]
    write_csv(folder / "intrinsics.csv", lines)


def _write_colmap(folder: Path, mesh: Mesh, voxel: float, track: Track) -> None:
    """``sparse/0``, where pycolmap is installed."""
    if not can_write():
        logger.warning("no COLMAP model: it needs pycolmap: pip install 'm3depth[colmap]'")
        return
    names = {f"{index:06d}": name for index, name in enumerate(track.names)}
    for name, content in colmap_files(folder, mesh, voxel, names).items():
        write_bytes(folder / "sparse/0" / name, content)


def _uncertainty(sure: Uncertainty) -> dict[str, Any]:
    """Standard deviations: of the focal length as a share of it, else of the image's width."""
    found: dict[str, Any] = {name: float(value) for name, value in sure._asdict().items()}
    return {"identifiable": sure.identifiable, "uncertain": found}


def _length(track: Track) -> float:
    places = track.camera_to_world[:, :3, 3].double().numpy()
    return float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())


def _summary(record: dict[str, Any], scores: dict[str, Any]) -> list[str]:
    lines = [
        f"{record['frames']} of {record['frames_of']} frames, {record['loops']} loops, a path of "
        f"{record['path_length']:.1f} ({record['scale']}), {record['triangles']} triangles",
        *summary(scores),
    ]
    if not record.get("K", {"identifiable": True})["identifiable"]:
        lines.append(f"K: {not_told(record['K'])}")
    if "surface" in scores:
        one = scores["surface"]
        told = f"accuracy {one['accuracy_mm']:.2f} mm, completeness {one['completeness_mm']:.2f} mm"
        lines.append(f"surface: {told}, F-score at 2 mm {one['fscore_2mm']:.3f}")
    return lines
