"""Each consumer's reading rule, written anew from its documented or observed behaviour.

A reader gives, per frame, the world points (h, w, 3) in mm that the consumer makes of every pixel
and which pixels it uses (h, w). Nothing here knows how our writers work.
"""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np


class Seen(NamedTuple):
    points: np.ndarray
    used: np.ndarray


Reader = Callable[[Path], Iterator[Seen]]


def pixels(path: Path) -> np.ndarray:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None, path
    return found


def listed(scene: Path, folder: str, suffix: str = "png") -> list[Path]:
    return sorted((scene / folder).glob(f"*.{suffix}"))


def points(depth: np.ndarray, f: tuple, c: tuple, rotation, translation, at: float = 0.0):
    """Pixel (i, j) stands for the point at (i + at, j + at) of the image plane."""
    j, i = np.meshgrid(np.arange(depth.shape[0]), np.arange(depth.shape[1]), indexing="ij")
    rays = np.stack([(i + at - c[0]) / f[0], (j + at - c[1]) / f[1], np.ones(depth.shape)], axis=-1)
    return (rays * depth[..., None]) @ np.asarray(rotation).T + np.asarray(translation)


# Poses of EndoNeRF's layout: what each reader makes of the three columns of R


def flipped(rotation: np.ndarray) -> np.ndarray:
    """EndoGaussian (yifliu3), SurgicalGS, Deform3DGS, Endo-4DGS: y and z are turned round."""
    return rotation * np.array([1, -1, -1])


def as_it_is(rotation: np.ndarray) -> np.ndarray:
    """EndoGaussian (CUHK), Deform3DGS in `stereo_` folders."""
    return rotation


def permuted(rotation: np.ndarray) -> np.ndarray:
    """gsplat 1.6: columns 1, 0, 2 with signs +, -, +; the result is used as it is."""
    return rotation[:, [1, 0, 2]] * np.array([1, -1, 1])


WORLDS = {  # our files' first pose is the identity: what that makes each reader's world
    rotate: rotate(np.eye(3)) for rotate in (flipped, as_it_is, permuted)
}


def poses_of(scene: Path) -> tuple[np.ndarray, np.ndarray]:
    rows = np.load(scene / "poses_bounds.npy")
    assert rows.shape[1] == 17
    return rows[:, :15].reshape(-1, 3, 5), rows[:, 15:]


def centred(scene: Path, depths: list[np.ndarray], keep, rotate, at: float = 0.0) -> Iterator[Seen]:
    poses, _ = poses_of(scene)
    masks = listed(scene, "masks")
    assert len(poses) == len(depths) == len(masks) == len(listed(scene, "images"))
    height, width, focal = poses[0, :, 4]
    for pose, depth, mask in zip(poses, depths, masks, strict=True):
        assert depth.shape == (height, width)
        c = (width // 2, height // 2)
        seen = points(depth, (focal, focal), c, rotate(pose[:, :3]), pose[:, 3], at)
        yield Seen(seen, keep(pixels(mask)))


def tool_is_255(mask: np.ndarray) -> np.ndarray:
    assert mask.ndim == 2
    return (1 - mask / 255.0).astype(bool)


def endonerf(rotate, at: float = 0.0) -> Reader:
    """EndoNeRF's followers; G-SHARP's rasteriser has its pixel centres at + 0.5."""

    def read(scene: Path) -> Iterator[Seen]:
        depths = [pixels(path).astype(np.float64) for path in listed(scene, "depth")]
        return centred(scene, depths, tool_is_255, rotate, at)

    return read


def endonerf_rays(scene: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """EndoNeRF's own rays: origins and directions (h, w, 3) of one unit of depth, OpenGL axes."""
    poses, _ = poses_of(scene)
    focal = poses[0, 2, 4]
    for pose, image in zip(poses, listed(scene, "images"), strict=True):
        height, width = pixels(image).shape[:2]  # not the file's
        j, i = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
        x, y = (i - width * 0.5) / focal, -(j - height * 0.5) / focal
        directions = np.stack([x, y, -np.ones(x.shape)], axis=-1) @ pose[:, :3].T
        yield np.broadcast_to(pose[:, 3], directions.shape), directions


def endonerf_itself(scene: Path) -> Iterator[Seen]:
    """With no_ndc: depth is a multiple of a ray whose z is -1."""
    files = zip(listed(scene, "depth"), listed(scene, "masks"), strict=True)
    for (depth, mask), (origins, directions) in zip(files, endonerf_rays(scene), strict=True):
        along = pixels(depth).astype(np.float64)[..., None]
        yield Seen(origins + along * directions, tool_is_255(pixels(mask)))


def in_ndc(origins: np.ndarray, directions: np.ndarray, width: int, focal: float) -> np.ndarray:
    """Where NDC rays start: x of the near plane at 1, from -1 at the left to 1 at the right."""
    to_plane = -(1 + origins[..., 2]) / directions[..., 2]
    start = origins + to_plane[..., None] * directions
    return -focal / (width / 2) * start[..., 0] / start[..., 2]


def deform3dgs_stereo(scene: Path) -> Iterator[Seen]:
    """The path holds `stereo_`: OpenCV, (cy, cx, focal), mask > 0 = tissue, 640 x 512 only."""
    assert "stereo_" in str(scene)
    poses, _ = poses_of(scene)
    cy, cx, focal = poses[0, :, 4]
    assert (cy, cx) == (512 // 2, 640 // 2)
    for pose, depth, mask in zip(
        poses, listed(scene, "depth"), listed(scene, "masks"), strict=True
    ):
        found = pixels(depth).astype(np.float64)
        assert found.shape == (512, 640)
        seen = points(found, (focal, focal), (640 // 2, 512 // 2), pose[:, :3], pose[:, 3])
        yield Seen(seen, pixels(mask) > 0)


def endogaussian_mono(unit_mm: float) -> Reader:
    """0.4 / (v / 255) of the first of three channels; 0 becomes the farthest."""

    def depth_of(path: Path) -> np.ndarray:
        value = pixels(path)
        assert value.ndim == 3
        assert value.dtype == np.uint8
        value = value[..., 0] / 255.0
        depth = np.zeros_like(value)
        depth[value != 0] = 1 / value[value != 0] * 0.4
        depth[depth == 0] = depth.max()
        return depth

    def read(scene: Path) -> Iterator[Seen]:
        depths = [depth_of(path) for path in listed(scene, "monodepth")]
        for seen in centred(scene, depths, tool_is_255, as_it_is):
            yield Seen(seen.points * unit_mm, seen.used)

    return read


def endo4dgs(scene: Path) -> Iterator[Seen]:
    """`depth_dam`'s [1, h, w] is unprojected as it is; found by replacing words in the path."""
    found = [
        Path(str(image).replace("images", "depth_dam").replace("png", "npy"))
        for image in listed(scene, "images")
    ]
    assert found == listed(scene, "depth_dam", "npy")
    depths = [np.load(path) for path in found]
    assert all(depth.ndim == 3 and len(depth) == 1 for depth in depths)
    return centred(scene, [depth[0].astype(np.float64) for depth in depths], tool_is_255, flipped)


def nerfstudio(scene: Path) -> Iterator[Seen]:
    """OpenGL poses, values times 1e-3, 0 = unknown, pixel centres at + 0.5, mask != 0 = keep."""
    transforms = json.loads((scene / "transforms.json").read_text())
    frames = sorted(transforms["frames"], key=lambda frame: frame["file_path"])
    for frame in frames:
        path = scene / frame["depth_file_path"]
        depth = np.load(path) if path.suffix == ".npy" else pixels(path)
        depth = depth.astype(np.float64) * 1e-3
        assert depth.shape == pixels(scene / frame["file_path"]).shape[:2]
        assert depth.shape == (frame["h"], frame["w"])
        pose = np.array(frame["transform_matrix"])
        assert pose.shape == (4, 4)
        f, c = (frame["fl_x"], frame["fl_y"]), (frame["cx"], frame["cy"])
        seen = points(depth, f, c, flipped(pose[:3, :3]), pose[:3, 3], at=0.5)
        mask = pixels(scene / frame["mask_path"])
        yield Seen(seen * 1000, (depth > 0) & (mask != 0))


def npz(scene: Path) -> Iterator[Seen]:
    for path in listed(scene, "priors", "npz"):
        with np.load(path) as saved:
            K, pose = saved["intrinsics"], saved["camera_to_world"]
            seen = points(
                saved["depth_mm"], (K[0, 0], K[1, 1]), (K[0, 2], K[1, 2]), pose[:3, :3], pose[:3, 3]
            )
            yield Seen(seen, saved["valid"])


# COLMAP: world-to-camera, quaternion w x y z, PINHOLE, pixel centres at + 0.5


class ColmapImage(NamedTuple):
    name: str
    camera: tuple  # width, height, fx, fy, cx, cy
    rotation: np.ndarray
    translation: np.ndarray


def turned(w: float, x: float, y: float, z: float) -> np.ndarray:
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def lines_of(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]


def colmap_text(model: Path) -> tuple[list[ColmapImage], np.ndarray]:
    cameras = {}
    for number, kind, *values in lines_of(model / "cameras.txt"):
        assert kind == "PINHOLE"
        cameras[number] = tuple(float(value) for value in values)
    images = []
    for line in lines_of(model / "images.txt")[::2]:  # each second line holds observations
        *pose, camera, name = line[1:]
        w, x, y, z, *translation = (float(value) for value in pose)
        images.append(ColmapImage(name, cameras[camera], turned(w, x, y, z), np.array(translation)))
    cloud = [[float(value) for value in line[1:4]] for line in lines_of(model / "points3D.txt")]
    return sorted(images), np.array(cloud)


def colmap_binary(model: Path) -> tuple[list[ColmapImage], np.ndarray]:
    def numbers(data: bytes, start: int, form: str) -> tuple[tuple, int]:
        return struct.unpack_from("<" + form, data, start), start + struct.calcsize("<" + form)

    data = (model / "cameras.bin").read_bytes()
    (count,), at = numbers(data, 0, "Q")
    cameras = {}
    for _ in range(count):
        (number, kind, width, height, *params), at = numbers(data, at, "iiQQ4d")
        assert kind == 1  # PINHOLE
        cameras[number] = (width, height, *params)
    data = (model / "images.bin").read_bytes()
    (count,), at = numbers(data, 0, "Q")
    images = []
    for _ in range(count):
        (_, w, x, y, z, *translation, camera), at = numbers(data, at, "i7di")
        end = data.index(b"\0", at)
        name = data[at:end].decode()
        (observations,), at = numbers(data, end + 1, "Q")
        at += observations * 24
        images.append(ColmapImage(name, cameras[camera], turned(w, x, y, z), np.array(translation)))
    data = (model / "points3D.bin").read_bytes()
    (count,), at = numbers(data, 0, "Q")
    cloud = []
    for _ in range(count):
        (_, x, y, z, _, _, _, _, track), at = numbers(data, at, "Q3d3BdQ")
        at += track * 8
        cloud.append((x, y, z))
    return sorted(images, key=lambda image: image.name), np.array(cloud)


class Observed(NamedTuple):
    places: np.ndarray  # (n, 2), in COLMAP's pixels
    points: np.ndarray  # (n,) numbers of points


def observations(model: Path) -> dict[str, Observed]:
    """The second half of each record of ``images.bin``: x, y and the number of the point."""
    data = (model / "images.bin").read_bytes()
    (count,), at, found = struct.unpack_from("<Q", data), 8, {}
    for _ in range(count):
        end = data.index(b"\0", at + struct.calcsize("<i7di"))
        name = data[at + struct.calcsize("<i7di") : end].decode()
        (length,) = struct.unpack_from("<Q", data, end + 1)
        kind = np.dtype([("place", "<f8", 2), ("point", "<i8")])
        rows = np.frombuffer(data, kind, length, end + 9)
        found[name] = Observed(rows["place"], rows["point"])
        at = end + 9 + rows.nbytes
    return found


def tracks(model: Path) -> dict[int, tuple[np.ndarray, list[tuple[int, int]]]]:
    """Each point of ``points3D.bin`` by its number: where it is, and who sees it at which place."""
    data = (model / "points3D.bin").read_bytes()
    (count,), at, found = struct.unpack_from("<Q", data), 8, {}
    head = struct.calcsize("<Q3d3BdQ")
    for _ in range(count):
        number, x, y, z, _, _, _, _, length = struct.unpack_from("<Q3d3BdQ", data, at)
        pairs = np.frombuffer(data, "<i4", 2 * length, at + head).reshape(-1, 2)
        found[number] = np.array([x, y, z]), [(int(image), int(place)) for image, place in pairs]
        at += head + pairs.nbytes
    return found


def gsplat_depths(scene: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """gsplat's examples with --depth_loss: where points are in each image, and their depths.

    A dictionary from names to points is made of the observations; an image without any is missing.
    """
    model = scene / "sparse" / "0"
    points, found = tracks(model), {}
    for image in colmap_binary(model)[0]:
        seen = observations(model)[image.name].points
        world = np.array([points[number][0] for number in seen])
        x, y, z = image.rotation @ world.T + image.translation[:, None]
        width, height, fx, fy, cx, cy = image.camera
        places = np.stack([fx * x / z + cx, fy * y / z + cy], axis=1)
        inside = (places >= 0).all(axis=1) & (places < (width, height)).all(axis=1) & (z > 0)
        found[image.name] = places[inside], z[inside]
    return found


def gsplat_normalised(scene: Path) -> np.ndarray:
    """Its normalize_world_space: poses over their median distance, then the points' main axes."""
    images, cloud = colmap_binary(scene / "sparse" / "0")
    places = np.array([-image.rotation.T @ image.translation for image in images])
    with np.errstate(divide="ignore", invalid="ignore"):
        centred = places - np.median(places, axis=0)
        scale = 1 / np.median(np.linalg.norm(centred, axis=1))
        scaled = (cloud - np.median(places, axis=0)) * scale
        return np.linalg.eigh(np.cov(scaled, rowvar=False))[1]


def from_colmap(image: ColmapImage, depth: np.ndarray, c: tuple[float, float]) -> np.ndarray:
    """World points of a depth map in the model's unit, pixel centres at + 0.5."""
    _, _, fx, fy, _, _ = image.camera
    in_camera = points(depth, (fx, fy), c, np.eye(3), np.zeros(3), at=0.5)
    return (in_camera - image.translation) @ image.rotation  # R⁻¹ (x - t)


def colmap(load) -> Reader:
    """A reader with the real principal point; our float depth stands beside the model."""

    def read(scene: Path) -> Iterator[Seen]:
        images, _ = load(scene / "sparse" / "0")
        assert [image.name for image in images] == [p.name for p in listed(scene, "images")]
        for image in images:
            depth = np.load(scene / "depth_float" / f"{Path(image.name).stem}.npy")
            mask = pixels(scene / "masks" / f"{image.name}.png")
            seen = from_colmap(image, depth.astype(np.float64), image.camera[4:])
            yield Seen(seen, (mask != 0) & (depth > 0))

    return read


def graphdeco(scene: Path) -> Iterator[Seen]:
    """inv = png / 2**16 * scale + offset; the field of view only; alpha weighs the colours.

    A frame whose scale is far from the median of the positive ones has no say.
    """
    images, _ = colmap_binary(scene / "sparse" / "0")
    params = json.loads((scene / "sparse" / "0" / "depth_params.json").read_text())
    median = np.median([one["scale"] for one in params.values() if one["scale"] > 0])
    for image in images:
        one = params[Path(image.name).stem]
        stored = pixels(scene / "depths" / image.name)
        assert stored.dtype == np.uint16
        inverse = stored.astype(np.float32).astype(np.float64) / 2**16
        inverse = inverse * one["scale"] + one["offset"]
        reliable = 0.2 * median <= one["scale"] <= 5 * median
        colours = pixels(scene / "images" / image.name)
        assert colours.shape[2] == 4
        width, height = image.camera[:2]
        seen = from_colmap(image, 1 / np.maximum(inverse, 1e-9), (width / 2, height / 2))
        yield Seen(seen, (colours[..., 3] > 0) & reliable)


def ply_points(path: Path) -> tuple[np.ndarray, dict[str, int]]:
    """The vertices of a binary little-endian PLY, and where each property stands in a row."""
    header, body = path.read_bytes().split(b"end_header\n", 1)
    types = {"double": "<f8", "float": "<f4", "uchar": "u1"}
    lines = header.decode().splitlines()
    assert "format binary_little_endian 1.0" in lines
    fields = [line.split()[1:] for line in lines if line.startswith("property")]
    rows = np.frombuffer(body, np.dtype([(name, types[kind]) for kind, name in fields]))
    assert len(rows) == int(next(line for line in lines if "element vertex" in line).split()[-1])
    return np.stack([rows[axis] for axis in "xyz"], axis=1), rows
