"""Depth maps in files: what is written is read back, and what contradicts itself is refused."""

from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from m3depth.errors import ConfigError, DataError
from m3depth.io.depth_files import read_depth_map, write_depth
from m3depth.io.depth_meaning import KINDS, UNITS, Meaning, meaning_of
from m3depth.types import DepthMap, Kind, Scale

MM = torch.linspace(20, 90, 24).reshape(1, 1, 4, 6)
VALUES = {
    Kind.DEPTH: MM,
    Kind.DISPARITY: MM / 20,
    Kind.INVERSE_DEPTH: 1 / MM,
    Kind.FRACTION: MM / 100,
}


def saved(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


def depth(**changes: object) -> DepthMap:
    return DepthMap(**{"values": MM, "kind": Kind.DEPTH} | changes)


@pytest.mark.parametrize(("kind", "scale"), list(product(Kind, Scale)))
def test_every_kind_and_scale_is_read_as_it_was_written(tmp_path: Path, kind: Kind, scale: Scale):
    known = torch.ones(1, 1, 4, 6, dtype=torch.bool)
    known[..., 1, 2] = False
    values = torch.where(known, VALUES[kind], 0.0)
    given = DepthMap(values, kind, scale, error=0.1 * values, known=known)
    write_depth(tmp_path / "a.npz", given, intrinsics=np.eye(3))
    found = read_depth_map(tmp_path / "a.npz")
    assert (found.kind, found.scale) == (kind, scale)
    for name in ("values", "error", "known"):
        assert torch.equal(getattr(found, name).to(getattr(given, name)), getattr(given, name))
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["intrinsics"].shape == (3, 3)
        unit = next(iter(UNITS[kind])) if scale is Scale.METRIC else "none"
        assert str(arrays["unit"]) == unit


def test_a_relative_map_may_be_negative_and_a_metric_one_is_unknown_there(tmp_path: Path):
    values = MM - 50
    for scale, known in ((Scale.UP_TO_SCALE_AND_SHIFT, 24), (Scale.METRIC, (values > 0).sum())):
        write_depth(tmp_path / "a.npz", DepthMap(values, Kind.DEPTH, scale))
        found = read_depth_map(tmp_path / "a.npz")
        assert found.known.sum() == known
        assert torch.equal(found.values[found.known], values[found.known].double())


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tiff", ".png", ".pfm"])
def test_a_file_that_says_nothing_needs_its_kind_from_the_caller(tmp_path: Path, suffix: str):
    path, numbers = tmp_path / f"a{suffix}", MM[0, 0].numpy().round()
    if suffix == ".npz":
        saved(path, arr_0=numbers)
    elif suffix == ".npy":
        np.save(path, numbers)
    else:
        cv2.imwrite(str(path), numbers.astype(np.uint16 if suffix == ".png" else np.float32))
    with pytest.raises(DataError, match=r"a\.\w+: does not say what its numbers are; give kind="):
        read_depth_map(path)
    found = read_depth_map(path, "depth_mm")
    assert (found.kind, found.scale) == (Kind.DEPTH, Scale.METRIC)
    assert found.values[0, 0].numpy() == pytest.approx(numbers)


def test_the_name_of_an_array_says_its_kind(tmp_path: Path):
    for name, kind in KINDS.items():
        path = saved(tmp_path / "a.npz", **{name: VALUES[kind][0, 0].numpy(), "confidence": 1.0})
        assert read_depth_map(path).kind is kind
        other = next(one for one in KINDS if one != name)
        with pytest.raises(DataError, match=f"holds {kind}, as it says itself, and kind={other}"):
            read_depth_map(path, other)


def test_a_kind_that_contradicts_the_file_is_refused(tmp_path: Path):
    write_depth(tmp_path / "a.npz", DepthMap(1 / MM, Kind.INVERSE_DEPTH))
    with pytest.raises(DataError, match="holds inverse_depth, as it says itself, and "):
        read_depth_map(tmp_path / "a.npz", "depth_mm")


def test_of_several_maps_the_one_that_is_asked_for_is_taken(tmp_path: Path):
    write_depth(tmp_path / "a.npz", depth(), disparity_px=VALUES[Kind.DISPARITY][0, 0].numpy())
    assert read_depth_map(tmp_path / "a.npz").kind is Kind.DEPTH
    found = read_depth_map(tmp_path / "a.npz", "disparity_px")
    assert torch.equal(found.values.float(), VALUES[Kind.DISPARITY])


@pytest.mark.parametrize(("unit", "factor"), [("m", 1000.0), ("cm", 10.0), ("mm", 1.0)])
def test_a_stated_unit_is_converted(tmp_path: Path, unit: str, factor: float):
    said = Meaning(Kind.DEPTH).text() | {"unit": np.array(unit)}
    path = saved(tmp_path / "a.npz", depth_mm=MM[0, 0].double().numpy() / factor, **said)
    torch.testing.assert_close(read_depth_map(path).values, MM.double())


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ({"unit": "inch"}, "depth in 'inch'; known are mm, cm, m"),
        ({"kind": "shape"}, "kind 'shape'; known are disparity_fraction"),
        ({"scale": "small"}, "scale 'small'; known are metric"),
    ],
)
def test_a_word_that_is_not_known_is_refused(tmp_path: Path, word: dict[str, str], said: str):
    path = saved(tmp_path / "a.npz", depth_mm=MM[0, 0].numpy(), **Meaning(Kind.DEPTH).text() | word)
    with pytest.raises(DataError, match=f"a.npz: {said}"):
        meaning_of(path)
    with pytest.raises(ConfigError, match="kind=z: choose depth_mm"):
        meaning_of(path, "z")


def test_the_expected_error_is_scaled_and_is_not_that_of_another_map(tmp_path: Path):
    given = depth(error=torch.full_like(MM, 0.5))
    write_depth(tmp_path / "a.npz", given, disparity_px=VALUES[Kind.DISPARITY][0, 0].numpy())
    assert (read_depth_map(tmp_path / "a.npz", factor=10).error == 5).all()
    assert read_depth_map(tmp_path / "a.npz", "disparity_px").error is None
    saved(tmp_path / "b.npz", depth_mm=MM[0, 0].numpy(), error=0.5)  # somebody's own word
    assert read_depth_map(tmp_path / "b.npz").error is None
    said = Meaning(Kind.DEPTH).text()
    saved(tmp_path / "c.npz", depth_mm=MM[0, 0].numpy(), error=np.ones(3), **said)
    with pytest.raises(DataError, match=r"c.npz: error must have the shape .* \(4, 6\)"):
        read_depth_map(tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("kind", "numbers", "said"),
    [
        ("disparity_px", MM, "the median disparity_px is 55, and the picture is 6 wide"),
        ("disparity_fraction", MM, "the picture is 1 wide; for millimetres give kind=depth_mm"),
        ("disparity_px", 256 * VALUES[Kind.DISPARITY], "for pixels times 256 scale=0.00390625"),
    ],
)
def test_disparities_wider_than_the_picture(tmp_path: Path, kind: str, numbers: object, said: str):
    np.save(tmp_path / "a.npy", numbers[0, 0].numpy())
    with pytest.raises(DataError, match=said):
        read_depth_map(tmp_path / "a.npy", kind)
    relative = Meaning(KINDS[kind], Scale.UP_TO_SCALE).text()
    read_depth_map(saved(tmp_path / "a.npz", **{kind: numbers[0, 0].numpy()}, **relative))


def test_depth_in_metres_is_read_as_it_is_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    np.save(tmp_path / "a.npy", MM[0, 0].numpy() / 1000)
    found = read_depth_map(tmp_path / "a.npy", "depth_mm")
    torch.testing.assert_close(found.values, MM.double() / 1000)
    assert "a.npy: its median depth is 0.055 mm, nearer than a camera sees" in caplog.text
    assert "for metres give scale=1000" in caplog.text
    caplog.clear()
    in_mm = read_depth_map(tmp_path / "a.npy", "depth_mm", factor=1000)
    torch.testing.assert_close(in_mm.values, MM.double())
    assert caplog.text == ""
