"""One frame's archive is read as it was written, or named and refused."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from m3depth.errors import DataError
from m3depth.priors.layouts.npz.archive import read_archive

SIZE = (6, 8)
Arrays = dict[str, np.ndarray]


def sound() -> Arrays:
    return {
        "image": np.full((*SIZE, 3), 51, np.uint8),
        "depth_mm": np.full(SIZE, 60, np.float32),
        "confidence": np.ones(SIZE, np.float32),
        "valid": np.eye(*SIZE).astype(bool),
        "use": np.ones(SIZE, bool),
        "intrinsics": np.diag([40.0, 40.0, 1.0]),
        "camera_to_world": np.eye(4),
    }


def saved(folder: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    np.savez(folder / "f.npz", **arrays)
    return folder / "f.npz"


def test_what_was_written_is_read(tmp_path: Path):
    one = read_archive(saved(tmp_path, sound()))
    assert one.image == pytest.approx(np.full((*SIZE, 3), 0.2))
    assert np.array_equal(one.valid, sound()["valid"])
    assert one.use.all()


def test_without_use_the_valid_pixels_are_used_and_floats_are_colours(tmp_path: Path):
    arrays = sound() | {"image": np.full((*SIZE, 3), 0.25)}
    del arrays["use"]
    one = read_archive(saved(tmp_path, arrays))
    assert np.array_equal(one.use, sound()["valid"])
    assert one.image == pytest.approx(np.full((*SIZE, 3), 0.25))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"camera_to_world": np.eye(4)[:3]}, r"camera_to_world has shape \(3, 4\)"),
        ({"intrinsics": np.eye(4)}, r"intrinsics has shape \(4, 4\)"),
        ({"intrinsics": np.diag([np.nan, 1, 1])}, "intrinsics without a focal length"),
        ({"depth_mm": np.ones((1, *SIZE))}, "image has shape"),
        ({"depth_mm": np.array(["x"])}, r"expected \(.*\) numbers"),
        ({"valid": np.full(SIZE, "x")}, "valid has shape"),
        ({"image": np.ones(SIZE)}, r"image has shape \(6, 8\)"),
        ({"image": np.full((*SIZE, 3), 255.0)}, "colours that are NaN or not 0 to 1"),
        ({"image": np.full((*SIZE, 3), np.nan)}, "colours that are NaN or not 0 to 1"),
        ({"use": np.ones((6, 7), bool)}, "use has shape"),
        ({"kind": np.array("disparity_px")}, "the kind of its depth is disparity_px, .* is depth"),
        ({"scale": np.array("up_to_scale")}, "the scale of its depth is up_to_scale"),
        ({"unit": np.array("m")}, "the unit of its depth is m, and this layout's is mm"),
    ],
)
def test_what_is_no_frame_is_refused(tmp_path: Path, changes: Arrays, said: str):
    with pytest.raises(DataError, match=f"f.npz: {said}|f.npz: .*{said}"):
        read_archive(saved(tmp_path, sound() | changes))


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def compressed_and_flipped(path: Path) -> None:
    np.savez_compressed(path, **{**sound(), "depth_mm": np.random.rand(*SIZE)})
    content = bytearray(path.read_bytes())
    content[300:330] = bytes(30)
    path.write_bytes(content)


def a_single_array(path: Path) -> None:
    np.save(path.with_suffix(".npy"), np.ones(3))
    path.with_suffix(".npy").rename(path)


@pytest.mark.parametrize(
    "spoil",
    [
        flipped,
        compressed_and_flipped,
        a_single_array,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:200]),
        lambda path: path.unlink(),
    ],
    ids=["flipped", "compressed", "npy", "empty", "truncated", "gone"],
)
def test_what_is_no_whole_file_is_named(tmp_path: Path, spoil: Callable[[Path], object]):
    path = saved(tmp_path, sound())
    spoil(path)
    with pytest.raises(DataError, match=r"f\.npz: not a whole"):
        read_archive(path)
