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
    relative = read_depth_map(path, "inverse_depth", scale=Scale.UP_TO_SCALE_AND_SHIFT)
    assert relative.scale is Scale.UP_TO_SCALE_AND_SHIFT


def test_the_name_of_an_array_says_its_kind(tmp_path: Path):
    for name, kind in KINDS.items():
        path = saved(tmp_path / "a.npz", **{name: VALUES[kind][0, 0].numpy(), "confidence": 1.0})
        assert read_depth_map(path).kind is kind
        other = next(one for one in KINDS if one != name)
        with pytest.raises(DataError, match=f"holds {kind}, as it says itself, and kind={other}"):
            read_depth_map(path, other)


def test_a_kind_or_scale_that_contradicts_the_file_is_refused(tmp_path: Path):
    write_depth(tmp_path / "a.npz", DepthMap(1 / MM, Kind.INVERSE_DEPTH))
    with pytest.raises(DataError, match="holds inverse_depth, as it says itself, and "):
        read_depth_map(tmp_path / "a.npz", "depth_mm")
    write_depth(tmp_path / "b.npz", depth(scale=Scale.UP_TO_SCALE))
    with pytest.raises(DataError, match="known up to scale only, as it says itself"):
        read_depth_map(tmp_path / "b.npz", scale=Scale.METRIC)


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


@pytest.mark.parametrize(
    ("kind", "numbers", "said"),
    [
        ("disparity_px", MM, "disparity_px of 55 in the middle, and the picture is 6 wide"),
        ("disparity_fraction", MM, "and the picture is 1 wide: are these millimetres"),
        ("depth_mm", MM / 1000, "median depth of 0.055 mm: are these metres"),
    ],
)
def test_numbers_that_contradict_the_kind(tmp_path: Path, kind: str, numbers: object, said: str):
    np.save(tmp_path / "a.npy", numbers[0, 0].numpy())
    with pytest.raises(DataError, match=said):
        read_depth_map(tmp_path / "a.npy", kind)
    read_depth_map(tmp_path / "a.npy", kind, scale=Scale.UP_TO_SCALE)  # nobody knows the unit
    if kind == "depth_mm":
        torch.testing.assert_close(
            read_depth_map(tmp_path / "a.npy", kind, factor=1000).values, MM.double()
        )
