"""What `predict` leaves on the disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from m3depth.errors import ConfigError, DataError, UserError
from m3depth.io.files import write_bytes, write_json
from m3depth.priors.files import read_numbers, write_prediction
from m3depth.priors.prior import DepthPrior
from m3depth.priors.shard import Shard
from m3depth.types.camera import StereoRig


def prior() -> DepthPrior:
    ramp = torch.linspace(40, 100, 20).expand(1, 12, 20).clone()
    ramp[0, 0, 0] = 0
    rig = StereoRig.of(18.0, 18.0, 9.0, 6.0, 9.0, 4.5)
    disparity = 18 * 4.5 / ramp.clamp_min(1)
    return DepthPrior("c/f1.v2", torch.rand(3, 12, 20), disparity, ramp, ramp / 100, rig)


def test_the_numbers_come_back_under_the_names_of_the_interface(tmp_path: Path) -> None:
    one = prior()
    write_prediction(one, tmp_path / "new" / "f1.v2")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["f1.v2.npz"]
    with np.load(tmp_path / "new" / "f1.v2.npz") as numbers:
        names = ["confidence", "depth_mm", "disparity_px", "intrinsics"]
        assert sorted(numbers) == sorted([*names, "kind", "scale", "unit"])
        assert {numbers[name].dtype for name in names} == {np.dtype(np.float32)}
        said = [str(numbers[name]) for name in ("kind", "scale", "unit")]
        assert said == ["depth", "metric", "mm"]
        assert np.array_equal(numbers["depth_mm"], one.depth_mm[0])
        assert np.array_equal(numbers["disparity_px"], one.disparity_px[0])
        assert np.array_equal(numbers["confidence"], one.confidence[0])
        assert numbers["intrinsics"].tolist() == [[18, 0, 9], [0, 18, 6], [0, 0, 1]]


def test_without_calibration_no_millimetres_are_claimed(tmp_path: Path) -> None:
    rig = StereoRig.uncalibrated(20, 12)
    one = replace(prior(), rig=rig, depth_mm=torch.zeros(1, 12, 20))
    write_prediction(one, tmp_path / "f")
    with np.load(tmp_path / "f.npz") as numbers:
        assert sorted(numbers) == ["confidence", "disparity_px", "kind", "scale", "unit"]
        assert str(numbers["kind"]) == "disparity_px"
    with pytest.raises(DataError, match="no calibration"):
        write_prediction(one, tmp_path / "g", ply=True)


def test_what_pictures_are_drawn_from_comes_back(tmp_path: Path) -> None:
    one = prior()
    write_prediction(one, tmp_path / "f1.v2")
    numbers = read_numbers(tmp_path / "f1.v2")
    assert np.array_equal(numbers["depth_mm"], one.depth_mm[0])
    assert np.array_equal(numbers["confidence"], one.confidence[0])
    (tmp_path / "f1.v2.npz").write_bytes(b"gone wrong")
    with pytest.raises(DataError, match=r"f1\.v2\.npz: cannot be read any more"):
        read_numbers(tmp_path / "f1.v2")


def test_the_cloud_holds_every_known_point_with_its_colour(tmp_path: Path) -> None:
    import open3d

    one = prior()
    write_prediction(one, tmp_path / "f", ply=True)
    cloud = open3d.io.read_point_cloud(tmp_path / "f.ply")
    points, colours = np.asarray(cloud.points), np.asarray(cloud.colors)
    assert len(points) == 12 * 20 - 1
    depth = one.depth_mm[0, 3, 5].item()
    expected = [(5 - 9) / 18 * depth, (3 - 6) / 18 * depth, depth]
    assert np.allclose(points[3 * 20 + 5 - 1], expected, atol=1e-4)
    assert np.allclose(colours[3 * 20 + 5 - 1], one.image[:, 3, 5], atol=1 / 255)


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(tmp_path / "a", b"old")

    def full(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match=f"{tmp_path}: cannot write a .No space left"):
        write_bytes(tmp_path / "a", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file: cannot write"):
        write_bytes(tmp_path / "file" / "a", b"")


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})


def test_shards_part_the_frames() -> None:
    shards = [list(Shard.parse(f"{i}/3").of(10)) for i in range(3)]
    assert shards[1] == [1, 4, 7]
    assert sorted(frame for shard in shards for frame in shard) == list(range(10))


@pytest.mark.parametrize("text", ["3/3", "1", "-1/2", "0/0", "a/b", "1/2/3"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"shard={text}: expected i/n"):
        Shard.parse(text)
