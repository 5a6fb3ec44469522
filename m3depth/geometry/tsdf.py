"""Depth of many views as one surface: a truncated signed distance (Curless and Levoy 1996)."""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy.typing import NDArray

from m3depth.errors import ConfigError

SEEN = 0.5  # least weight of a voxel: one camera that saw it is enough
BLOCK, BLOCKS = 16, 1000  # voxels along a block's side; blocks to begin with, more are made
MOST_BLOCKS = 40_000  # 3.3 GB

Matrix = Float64[NDArray[np.float64], "n n"]


class Mesh(NamedTuple):
    """Triangles with a colour at each corner, in an order that depends on nothing but them."""

    points: Float64[NDArray[np.float64], "n 3"]
    colours: Float64[NDArray[np.float64], "n 3"]  # 0 to 1
    triangles: Int64[NDArray[np.int64], "m 3"]


def require_open3d(setting: str = "fusing depth", otherwise: str = "") -> Any:
    """open3d itself, untyped: its stubs do not match its functions.

    Args:
        setting: What needs it, for the message.
        otherwise: What else can be done, for the message.

    Raises:
        ConfigError: it cannot be loaded.
    """
    try:
        import open3d
    except (ImportError, OSError) as error:
        raise ConfigError(
            f"{setting} needs open3d, which cannot be loaded ({error}): m3depth doctor says what "
            f"is missing{otherwise}"
        ) from None
    return open3d


class SurfaceFusion:
    """Takes views one by one; memory grows with the surface, not with their number.

    Args:
        voxel: The side of a voxel, in the depth's unit.
    """

    def __init__(self, voxel: float) -> None:
        self.voxel = voxel
        open3d = require_open3d()
        cpu, number = open3d.core.Device("CPU:0"), open3d.core.float32
        names, kinds, shapes = ("tsdf", "weight", "color"), (number,) * 3, ((1), (1), (3))
        # The tensor one: ScalableTSDFVolume of open3d 0.20 finds no voxel, not even of a plane
        grid = open3d.t.geometry.VoxelBlockGrid
        self._grid = grid(names, kinds, shapes, voxel, BLOCK, BLOCKS, cpu)

    def add(
        self,
        depth: Float32[NDArray[np.float32], "h w"],
        image: Float32[NDArray[np.float32], "h w 3"],
        K: Float64[NDArray[np.float64], "3 3"],
        world_to_camera: Float64[NDArray[np.float64], "4 4"],
    ) -> None:
        """One view.

        Args:
            depth: Along z; 0 = not known.
            image: RGB from 0 to 1.
            K: Integer pixel centres, as open3d has them.
            world_to_camera: OpenCV axes.

        Raises:
            ConfigError: the surface has grown too large for voxels of this size.
        """
        if not (depth > 0).any():  # open3d takes no empty picture
            return
        open3d = require_open3d()
        shown, colour = (open3d.t.geometry.Image(np.ascontiguousarray(a)) for a in (depth, image))
        inner, outer = (open3d.core.Tensor(np.asarray(a, np.float64)) for a in (K, world_to_camera))
        farthest = float(depth.max()) + self.voxel
        blocks = self._grid.compute_unique_block_coordinates(shown, inner, outer, 1.0, farthest)
        self._grid.integrate(blocks, shown, colour, inner, outer, 1.0, farthest)
        if self._grid.hashmap().size() > MOST_BLOCKS:
            raise ConfigError(
                f"voxels of {self.voxel:g}: the surface takes more than {MOST_BLOCKS:,} blocks of "
                "them, so it is much larger than what one frame shows; is the path right? or set "
                "them larger"
            )

    def mesh(self) -> Mesh:
        """The surface so far; without a triangle where there is none."""
        empty = np.empty((0, 3))
        if self._grid.hashmap().size() == 0:
            return Mesh(empty, empty, empty.astype(np.int64))
        mesh = self._grid.extract_triangle_mesh(SEEN).to_legacy()
        points, colours = np.asarray(mesh.vertices), np.asarray(mesh.vertex_colors)
        return _in_order(points, np.clip(colours, 0, 1), np.asarray(mesh.triangles, np.int64))


def ply_bytes(mesh: Mesh) -> bytes:
    """A binary PLY with colours."""
    open3d = require_open3d()
    shown = open3d.geometry.TriangleMesh()
    shown.vertices = open3d.utility.Vector3dVector(mesh.points)
    shown.vertex_colors = open3d.utility.Vector3dVector(mesh.colours)
    shown.triangles = open3d.utility.Vector3iVector(mesh.triangles.astype(np.int32))
    shown.compute_vertex_normals()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.ply"
        open3d.io.write_triangle_mesh(str(path), shown)
        return path.read_bytes()


def _in_order(
    points: NDArray[np.float64], colours: NDArray[np.float64], triangles: NDArray[np.int64]
) -> Mesh:
    """open3d's threads find the corners in any order."""
    corners, place = np.unique(np.concatenate([points, colours], 1), axis=0, return_inverse=True)
    triangles = place.reshape(-1)[triangles]
    first = triangles.argmin(1)[:, None]
    turned = np.take_along_axis(triangles, (first + np.arange(3)) % 3, 1)  # the same side outside
    whole = turned[(turned[:, 0] != turned[:, 1]) & (turned[:, 1] != turned[:, 2])]
    whole = whole[whole[:, 0] != whole[:, 2]]
    return Mesh(corners[:, :3], corners[:, 3:], np.unique(whole, axis=0).reshape(-1, 3))
