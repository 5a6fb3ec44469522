import io
import logging
import os
import pickle
import tarfile
from pathlib import Path

import pytest

from m3depth.errors import DataError
from m3depth.io import members
from m3depth.io.members import ArchiveMembers, FolderMembers, find_members, number


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def content(frame: int) -> bytes:
    return bytes([frame]) * 3000


def frames(*numbers: int) -> dict[str, bytes]:
    return {f"points{n:06d}.tiff": content(n) for n in numbers}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    pack(tmp_path / "points.tar.gz", {"./": b"", **frames(*range(12)), "notes9.txt": b"?"})
    return tmp_path


def test_any_order_gives_the_same_files(data):
    found = find_members(data, "points", ".tiff")
    assert isinstance(found, ArchiveMembers)
    assert found.count() == 12
    for frame in (0, 1, 5, 3, 11, 0, 11):
        assert found.read(frame) == content(frame)
    assert found.read(12) is None
    assert pickle.loads(pickle.dumps(found)).read(4) == content(4)


def test_unpacked_files_are_taken_first(data):
    (data / "points").mkdir()
    for frame in (0, 2, 10):
        (data / "points" / f"points{frame}.tiff").write_bytes(content(frame + 100))
    found = find_members(data, "points", ".tiff")
    assert isinstance(found, FolderMembers)
    assert found.count() == 11
    assert found.read(10) == content(110)
    assert found.read(11) is None
    with pytest.raises(DataError, match=r"points000001\.tiff is missing"):
        found.read(1)


def test_nothing_of_the_kind(data):
    assert find_members(data, "poses", ".json") is None


def test_a_missing_member_is_named(tmp_path):
    pack(tmp_path / "points.tar.gz", frames(0, 1, 3))
    found = find_members(tmp_path, "points", ".tiff")
    with pytest.raises(DataError, match=r"points\.tar\.gz: points000002\.tiff is missing"):
        found.read(2)
    assert found.read(3) == content(3)


def test_members_in_no_order_and_unpadded(tmp_path):
    pack(tmp_path / "points.tgz", {f"a/points_{n}.tiff": content(n) for n in (10, 9, 0, 1)})
    found = find_members(tmp_path, "points", ".tiff")
    assert [found.read(n) for n in (0, 1, 9, 10)] == [content(n) for n in (0, 1, 9, 10)]


def test_a_large_archive_is_not_read_through(data, monkeypatch, caplog):
    monkeypatch.setattr(members, "LISTED_BELOW_BYTES", 10)
    found = find_members(data, "points", ".tiff")
    assert found.count() is None
    with caplog.at_level(logging.WARNING):
        assert found.read(5) == content(5)
        assert found.read(6) == content(6)
        assert not caplog.messages
        assert found.read(2) == content(2)
    assert len(caplog.messages) == 1
    assert "unpack it there (tar -xf points.tar.gz)" in caplog.messages[0]


def test_no_member_is_written_anywhere(tmp_path):
    inside = tmp_path / "data"
    inside.mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path = pack(inside / "points.tar.gz", {"../points000000.tiff": content(0)})
    with tarfile.open(path, "w:gz") as tar:
        for name in ("../points000000.tiff", str(tmp_path / "points000001.tiff")):
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
        link = tarfile.TarInfo("points000002.tiff")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        tar.addfile(link)
    before = sorted(p for p in tmp_path.rglob("*"))
    found = find_members(inside, "points", ".tiff")
    assert found.read(0) == found.read(1) == b"abc"
    assert found.read(2) is None  # a link is no file: nothing outside is ever read
    assert sorted(p for p in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.8])
def test_a_truncated_archive_says_so_every_time(tmp_path, share):
    rng_bytes = {f"points{n:06d}.tiff": os.urandom(3000) for n in range(9)}
    path = pack(tmp_path / "points.tar.gz", rng_bytes)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    found = find_members(tmp_path, "points", ".tiff")
    for _ in range(2):
        with pytest.raises(DataError, match=r"points\.tar\.gz: truncated or damaged") as raised:
            found.read(8)
        assert "\n" not in str(raised.value)
        with pytest.raises(DataError, match="truncated"):
            found.count()
    if share == 0.8:
        assert found.read(2) == rng_bytes["points000002.tiff"]


def test_numbers_of_names():
    assert number("scene_points000012.tiff") == 12
    assert number("frame_data7.json") == 7
    with pytest.raises(DataError, match="no frame number"):
        number("scene_points.tiff")
