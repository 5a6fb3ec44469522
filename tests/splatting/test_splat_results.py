"""The files of a fit, re-read by others."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import open3d
import pytest
import torch
from small_scenes import a_clip, a_recipe, an_objective, parsed_ply, some_splats

from m3depth.errors import DataError
from m3depth.splatting.fit import start
from m3depth.splatting.results import renders
from m3depth.splatting.results.gaussian_ply import gaussian_ply
from m3depth.splatting.results.mesh import mesh_ply
from m3depth.splatting.results.renders import depth_range, write_renders
from m3depth.splatting.scores import RenderedView, views


def columns(rows: np.ndarray, prefix: str, count: int) -> np.ndarray:
    return np.stack([rows[f"{prefix}_{index}"] for index in range(count)], 1)


def test_a_viewers_ply_holds_the_scene_at_a_time():
    splats = some_splats()
    rows, expected = parsed_ply(gaussian_ply(splats, 0.5)), splats.at_rest(0.5)
    xyz = np.stack([rows[name] for name in "xyz"], 1)
    assert np.array_equal(xyz, expected["means_mm"].numpy())
    assert np.array_equal(columns(rows, "scale", 3), expected["log_scales"].numpy())
    assert np.array_equal(columns(rows, "rot", 4), expected["quaternions"].numpy())
    assert np.array_equal(rows["opacity"], expected["logits"].numpy())
    harmonics = expected["harmonics"].numpy()
    assert np.array_equal(columns(rows, "f_dc", 3), harmonics[:, 0])
    rest = columns(rows, "f_rest", 24).reshape(-1, 3, 8)  # red's eight, green's, blue's
    assert np.array_equal(rest, harmonics[:, 1:].transpose(0, 2, 1))
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0"]
    assert list(rows.dtype.names)[:7] == names
    assert list(rows.dtype.names)[-8:-4] == ["opacity", "scale_0", "scale_1", "scale_2"]
    assert not np.array_equal(gaussian_ply(splats, 0.0), gaussian_ply(splats, 0.5))


def test_open3d_reads_it(tmp_path: Path):
    splats = some_splats()
    path = tmp_path / "gaussians.ply"
    path.write_bytes(gaussian_ply(splats, 0.25))
    cloud = open3d.io.read_point_cloud(str(path))
    means_mm = splats.at_rest(0.25)["means_mm"]
    assert np.allclose(np.asarray(cloud.points), means_mm.numpy())


def test_the_mesh_lies_on_the_rendered_surface(tmp_path: Path):
    clip, recipe = a_clip(), a_recipe()
    splats = start(clip, an_objective(), recipe).splats
    with torch.no_grad():
        splats.logits += 3
    path = tmp_path / "mesh.ply"
    path.write_bytes(mesh_ply(splats, clip, 0.0, recipe, 1.5))
    mesh = open3d.io.read_triangle_mesh(str(path))
    assert len(mesh.triangles) > 500
    assert mesh.has_vertex_colors()
    frame = clip.frames[0]
    depth_mm = next(views(splats, clip, {}, [0], recipe)).depth_mm[0].numpy()
    pose = frame.camera.world_to_camera.numpy()
    x, y, z = (np.asarray(mesh.vertices) @ pose[:3, :3].T + pose[:3, 3]).T
    k = frame.intrinsics.numpy()
    column = np.rint(x / z * k[0, 0] + k[0, 2]).astype(int)
    row = np.rint(y / z * k[1, 1] + k[1, 2]).astype(int)
    seen = (column > 2) & (column < 61) & (row > 2) & (row < 45)
    off = np.abs(z[seen] - depth_mm[row[seen], column[seen]])
    assert np.median(off) < 0.7


def test_without_a_surface_there_is_no_mesh():
    clip, recipe = a_clip(), a_recipe()
    splats = start(clip, an_objective(), recipe).splats
    with torch.no_grad():
        splats.logits.fill_(-9)
    with pytest.raises(DataError, match="no surface"):
        mesh_ply(splats, clip, 0.0, recipe, 1.0)


def test_renders_are_pictures_numbers_and_a_video(tmp_path: Path):
    clip, recipe = a_clip(), a_recipe()
    found = views(start(clip, an_objective(), recipe).splats, clip, {}, range(4), recipe)
    (tmp_path / "renders").mkdir()
    shown = [
        view._replace(frame=view.frame._replace(key=f"{i:06d}")) for i, view in enumerate(found)
    ]
    write_renders(tmp_path / "renders", shown, depth_range(clip.frames))
    picture = cv2.imread(str(tmp_path / "renders/000002.png"))[..., ::-1]
    expected = (shown[2].colour.numpy().transpose(1, 2, 0) * 255).round()
    assert np.abs(picture - expected).max() <= 1
    depth_mm = np.load(tmp_path / "renders/000002_depth.npy")
    assert np.array_equal(depth_mm, shown[2].depth_mm[0].numpy())
    video = cv2.VideoCapture(str(tmp_path / "renders/renders.webm"))
    frames = 0
    while video.read()[0]:
        frames += 1
    assert frames == 4
    assert (video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (
        1152,
        288,
    )


def test_each_view_is_written_and_let_go_before_the_next_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clip, recipe = a_clip(), a_recipe()
    splats = start(clip, an_objective(), recipe).splats
    named = [frame._replace(key=f"{i:06d}") for i, frame in enumerate(clip.frames * 2)]
    again = [*range(4), *range(4)]
    made: list[weakref.ref] = []
    held: list[int] = []
    written = renders._written

    def noted(*arguments: Any) -> np.ndarray:
        row = written(*arguments)
        made.append(weakref.ref(row))
        return row

    def one_by_one() -> Iterator[RenderedView]:
        for index, view in enumerate(views(splats, clip, {}, again, recipe)):
            gc.collect()
            held.append(sum(one() is not None for one in made))
            made.append(weakref.ref(view.colour))
            yield view._replace(frame=named[index])

    with monkeypatch.context() as patch:
        patch.setattr(renders, "_written", noted)
        write_renders(tmp_path / "streamed", one_by_one(), (40.0, 90.0))
    assert len(made) == 16
    assert max(held) <= 3  # of the one before, and the first row of the video
    at_once = [
        view._replace(frame=frame)
        for view, frame in zip(views(splats, clip, {}, again, recipe), named, strict=True)
    ]
    write_renders(tmp_path / "at_once", at_once, (40.0, 90.0))
    streamed, whole = (
        {p.name: p.read_bytes() for p in (tmp_path / name).iterdir()}
        for name in ("streamed", "at_once")
    )
    assert len(streamed) == 25
    films = {name: kept.pop("renders.webm") for name, kept in (("s", streamed), ("w", whole))}
    assert len(films["s"]) == len(films["w"])  # each has a number of its own by chance
    assert streamed == whole


def test_a_drawing_that_fails_leaves_no_half_a_video(tmp_path: Path):
    clip, recipe = a_clip(), a_recipe()

    def fails() -> Iterator[RenderedView]:
        yield next(views(start(clip, an_objective(), recipe).splats, clip, {}, [0], recipe))
        raise MemoryError

    with pytest.raises(MemoryError):
        write_renders(tmp_path, fails(), (40.0, 90.0))
    assert not list(tmp_path.rglob("*renders.*"))
