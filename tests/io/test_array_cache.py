import errno
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch

from m3depth.data.synthetic import LIVER, SyntheticPairs
from m3depth.errors import DataError
from m3depth.io import array_cache
from m3depth.io.array_cache import cached, content_path

ARGUMENTS = {"split": "val", "count": 2, "size": (32, 40)}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("M3DEPTH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def files(folder):
    return sorted(folder.iterdir())


def same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for name in ("left", "right", "depth_mm", "occluded", "tool"):
            assert torch.equal(a[name], b[name])
        assert torch.equal(torch.stack(a["rig"]), torch.stack(b["rig"]))


def test_the_second_time_is_read_not_rendered(folder, monkeypatch):
    first = SyntheticPairs(**ARGUMENTS)
    assert len(files(folder)) == 1
    monkeypatch.setattr(SyntheticPairs, "render", lambda *_: pytest.fail("rendered again"))
    same(SyntheticPairs(**ARGUMENTS), first)


def test_the_cache_changes_nothing(folder):
    same(SyntheticPairs(**ARGUMENTS), SyntheticPairs(**ARGUMENTS, cache=False))
    assert len(files(folder)) == 1


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "no zip"])
def test_a_damaged_file_is_noticed_and_rendered_again(folder, damage):
    first = SyntheticPairs(**ARGUMENTS)
    (path,) = files(folder)
    sound = path.read_bytes()
    middle = len(sound) // 2
    path.write_bytes(
        {
            "cut": sound[:middle],
            "flipped": sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :],
            "emptied": b"",
            "no zip": b"not a zip file",
        }[damage]
    )
    same(SyntheticPairs(**ARGUMENTS), first)
    same([*SyntheticPairs(**ARGUMENTS)], [*first])
    assert files(folder) == [path]
    np.load(path).close()


@pytest.mark.parametrize(
    "change",
    [
        {"split": "test"},
        {"count": 3},
        {"size": (40, 32)},
        {"style": LIVER},
        {"seed": 1},
        {"endoscope": 1},
        {"endoscope": None},
        {"tools": False},
        {"highlights": False},
        {"noise": False},
    ],
)
def test_another_argument_is_another_file(folder, change):
    SyntheticPairs(**ARGUMENTS)
    SyntheticPairs(**(ARGUMENTS | change))
    assert len(files(folder)) == 2


def test_another_version_is_another_file(monkeypatch):
    before = content_path(a=1)
    assert content_path(a=1) == before
    monkeypatch.setattr(array_cache, "RENDER_VERSION", -1)
    assert content_path(a=1) != before


def test_a_full_disk_says_where_and_how_to_mend(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DataError, match=r"synthetic_\w+\.npz: No space left.*M3DEPTH_CACHE"):
        SyntheticPairs(**ARGUMENTS)
    assert files(folder) == []


def test_a_folder_that_cannot_be_made_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("M3DEPTH_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(DataError, match="M3DEPTH_CACHE"):
        SyntheticPairs(**ARGUMENTS)


def test_two_at_once_both_succeed(folder):
    together = Barrier(2)

    def make():
        together.wait(timeout=10)  # both have found no file
        return {"a": np.arange(5)}

    path = content_path(race=1)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(cached, path, make) for _ in range(2)]
        assert all((done.result()["a"] == np.arange(5)).all() for done in both)
    assert files(folder) == [path]
    assert (cached(path, lambda: pytest.fail("made again"))["a"] == np.arange(5)).all()
