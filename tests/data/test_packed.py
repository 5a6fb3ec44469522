import logging
import multiprocessing
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from pair_fakes import Numbered

from m3depth.data import packing
from m3depth.data.packed import PackedFrames
from m3depth.data.packing import pack
from m3depth.errors import DataError
from m3depth.io.files import write_png

SYNTHETIC = {
    "_target_": "m3depth.data.synthetic.SyntheticClip",
    "split": "train",
    "index": 1,
    "frames": 5,
    "size": [32, 40],
}


def numbered(count: int = 6, broken: tuple[int, ...] = ()) -> dict[str, object]:
    return {"_target_": "test_packed.numbers", "count": count, "broken": list(broken)}


def numbers(count: int, broken: list[int]) -> Numbered:
    return Numbered(count, frozenset(broken))


@pytest.fixture
def packs(monkeypatch) -> list[Path]:
    """The folders that were packed into."""
    done = []

    def recorded(pairs, folder, workers=0):
        done.append(folder)
        pack(pairs, folder, workers)

    monkeypatch.setattr("m3depth.data.packed.pack", recorded)
    return done


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_come_back_as_they_were(tmp_path, workers):
    packed = PackedFrames(SYNTHETIC, tmp_path, workers)
    original = instantiate(SYNTHETIC)
    assert len(packed) == len(original) == 5
    for got, expected in zip(packed, original, strict=True):
        assert got.keys() == expected.keys()
        assert got["key"] == expected["key"]
        for name in expected.keys() - {"key", "rig"}:
            assert got[name].dtype == expected[name].dtype
            assert torch.equal(got[name], expected[name]), name  # 8-bit pictures to begin with
        for got_number, number in zip(got["rig"], expected["rig"], strict=True):
            assert torch.equal(got_number, number)
    with pytest.raises(IndexError):
        packed[5]


def test_it_is_packed_once(tmp_path, packs):
    for _ in range(3):
        PackedFrames(numbered(), tmp_path)
    assert len(packs) == 1
    PackedFrames(numbered(7), tmp_path)
    assert len(packs) == 2
    assert packs[0] != packs[1]


def test_a_changed_file_is_packed_anew(tmp_path, packs):
    for side in ("left", "right"):
        write_png(tmp_path / "set" / side / "0.png", np.zeros((8, 8, 3), np.uint8))
    settings = {
        "_target_": "m3depth.data.readers.folder.FolderPairs",
        "root": str(tmp_path / "set"),
        "size": None,
    }
    config = OmegaConf.create(
        {
            "root": str(tmp_path / "set"),
            "set": {
                "_target_": "m3depth.data.packed.PackedFrames",
                "_recursive_": False,
                "pairs": {**settings, "root": "${root}"},
                "folder": str(tmp_path / "packs"),
            },
        }
    )
    assert instantiate(config.set)[0]["left"].max() == 0
    PackedFrames(settings, tmp_path / "packs")
    assert len(packs) == 1  # the same settings, resolved
    write_png(tmp_path / "set/left/0.png", np.full((8, 8, 3), 255, np.uint8))
    assert instantiate(config.set)[0]["left"].min() == 1
    assert len(packs) == 2


@pytest.mark.parametrize("broken", [(0, 1, 4), (5,)])
def test_an_unreadable_frame_stays_one(tmp_path, broken, caplog):
    with caplog.at_level(logging.WARNING):
        packed = PackedFrames(numbered(6, broken), tmp_path)
    assert f"left/{broken[0]}.png: truncated" in caplog.text
    for index in range(6):
        if index in broken:
            with pytest.raises(DataError, match=rf"left/{index}\.png: truncated"):
                packed[index]
        else:
            assert packed[index]["key"] == f"pair/{index}"
            assert packed[index]["left"].mean() == pytest.approx(index / 100, abs=1 / 255)


def test_nothing_readable(tmp_path):
    with pytest.raises(DataError, match=r"not one of 2 frames can be read; left/0\.png: trunc"):
        PackedFrames(numbered(2, (0, 1)), tmp_path)
    assert not list(tmp_path.glob("packed_*/*"))


class Growing(Numbered):
    def __getitem__(self, index):
        sample = super().__getitem__(index)
        if index == 2:
            sample["depth_mm"] = torch.ones(1, 8, 8)
        return sample


def test_frames_that_differ_are_named(tmp_path):
    with pytest.raises(DataError, match=r"pair/2: depth_mm is \(1, 8, 8\), but \(1, 4, 6\) in"):
        pack(Growing(4), tmp_path / "pack")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(packing, "write_json", full)
    with pytest.raises(DataError, match=r"No space left.*M3DEPTH_CACHE"):
        pack(Numbered(3), tmp_path / "pack")
    assert not list(tmp_path.iterdir())


def test_it_travels_to_workers_without_its_arrays(tmp_path):
    packed = PackedFrames(SYNTHETIC, tmp_path)
    expected = packed[3]
    assert len(pickle.dumps(packed)) < 2000
    assert torch.equal(pickle.loads(pickle.dumps(packed))[3]["left"], expected["left"])


def open_and_read(folder: Path) -> float:
    return PackedFrames(numbered(40), folder)[7]["left"].mean().item()


def test_two_processes_that_start_together_make_one_pack(tmp_path):
    with multiprocessing.get_context("fork").Pool(3) as pool:
        means = pool.map(open_and_read, [tmp_path] * 3)
    assert means == pytest.approx([0.07] * 3, abs=1 / 255)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
