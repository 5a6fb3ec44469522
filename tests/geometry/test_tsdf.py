import numpy as np
import open3d
import pytest

from m3depth.errors import ConfigError
from m3depth.geometry import tsdf
from m3depth.geometry.tsdf import SurfaceFusion, ply_bytes

K = np.array([[60.0, 0, 31.5], [0, 60, 23.5], [0, 0, 1]])
SIZE = (48, 64)


def seen(pose: np.ndarray, far: float = 50.0) -> np.ndarray:
    """The depth of the plane z = ``far`` of the world, where a camera sees it."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float64)
    rays = np.stack([(x - K[0, 2]) / K[0, 0], (y - K[1, 2]) / K[1, 1], np.ones_like(x)], -1)
    forward = rays @ pose[2, :3]
    return ((far - pose[2, 3]) / forward).astype(np.float32)


def poses() -> list[np.ndarray]:
    turned = np.eye(4)
    turned[:3, :3] = [[0.98, 0, 0.199], [0, 1, 0], [-0.199, 0, 0.98]]
    turned[:3, :3] = np.linalg.qr(turned[:3, :3])[0] * [-1, -1, -1]
    turned[0, 3] = -8
    moved = np.eye(4)
    moved[:3, 3] = [5, 2, -6]
    return [np.eye(4), moved, turned]


def fused(order: list[int]) -> tsdf.Mesh:
    fusion = SurfaceFusion(1.0)
    image = np.full((*SIZE, 3), [0.2, 0.4, 0.6], np.float32)
    for index in order:
        pose = poses()[index]
        fusion.add(seen(pose), image, K, np.linalg.inv(pose))
    return fusion.mesh()


def test_a_plane_seen_from_several_sides_is_that_plane():
    assert all(np.linalg.det(pose[:3, :3]) == pytest.approx(1) for pose in poses())
    mesh = fused([0, 1, 2])
    assert len(mesh.triangles) > 500
    np.testing.assert_allclose(mesh.points[:, 2], 50, atol=0.1)
    assert np.ptp(mesh.points[:, 0]) > 50
    np.testing.assert_allclose(mesh.colours, [[0.2, 0.4, 0.6]] * len(mesh.points), atol=0.01)


def test_triangles_face_the_cameras():
    mesh = fused([0])
    a, b, c = (mesh.points[mesh.triangles[:, i]] for i in range(3))
    assert (np.cross(b - a, c - a)[:, 2] < 0).mean() > 0.99


def test_the_same_views_make_the_same_bytes():
    assert ply_bytes(fused([0, 1])) == ply_bytes(fused([0, 1]))


def test_the_file_is_read_by_others(tmp_path):
    mesh = fused([0])
    (tmp_path / "mesh.ply").write_bytes(ply_bytes(mesh))
    read = open3d.io.read_triangle_mesh(str(tmp_path / "mesh.ply"))
    np.testing.assert_allclose(np.asarray(read.vertices), mesh.points, atol=1e-4)
    assert np.array_equal(np.asarray(read.triangles), mesh.triangles)
    np.testing.assert_allclose(np.asarray(read.vertex_colors), mesh.colours, atol=1 / 254)


def test_unknown_depth_is_no_surface():
    fusion = SurfaceFusion(1.0)
    nothing = np.zeros(SIZE, np.float32)
    fusion.add(nothing, np.zeros((*SIZE, 3), np.float32), K, np.eye(4))
    assert len(fusion.mesh().triangles) == 0
    half = seen(np.eye(4))
    half[:, :32] = 0
    fusion.add(half, np.zeros((*SIZE, 3), np.float32), K, np.eye(4))
    assert fusion.mesh().points[:, 0].min() > -2


def test_a_surface_that_grows_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tsdf, "MOST_BLOCKS", 3)
    with pytest.raises(ConfigError, match="takes more than 3 blocks"):
        fused([0])
