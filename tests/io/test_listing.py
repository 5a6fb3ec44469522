"""Frames matched by number, and folders found a level off."""

from pathlib import Path

import pytest

from m3depth.errors import DataError
from m3depth.io.listing import chosen, folders_with, matched_files


def folder(root: Path, *names: str) -> Path:
    root.mkdir(parents=True)
    for name in names:
        (root / name).write_bytes(b"x")
    return root


def names(tuples: list[tuple[Path, ...]]) -> list[str]:
    return [" ".join(path.name for path in frame) for frame in tuples]


def test_files_match_by_number_whatever_their_style(tmp_path: Path, caplog):
    left = folder(tmp_path / "left", "10.png", "9.png", "1.png")
    right = folder(tmp_path / "right", "frame-0001r.jpg", "frame-0009r.jpg", "frame-0010r.jpg")
    assert names(matched_files([left, right], (".png", ".jpg"))) == [
        "1.png frame-0001r.jpg",
        "9.png frame-0009r.jpg",
        "10.png frame-0010r.jpg",
    ]
    assert not caplog.text


def test_names_without_numbers_match_as_they_are(tmp_path: Path):
    folders = [folder(tmp_path / side, "b.png", "a.png") for side in ("left", "right")]
    assert names(matched_files(folders, (".png",))) == ["a.png a.png", "b.png b.png"]


def test_only_a_gap_in_between_is_an_error(tmp_path: Path, caplog):
    left = folder(tmp_path / "left", "1.png", "2.png", "3.png", "4.png")
    right = folder(tmp_path / "right", "2.png", "3.png")
    assert names(matched_files([left, right], (".png",))) == ["2.png 2.png", "3.png 3.png"]
    assert "left 4, right 2 files; the 2 that match are used" in caplog.text
    (left / "2.png").rename(left / "0.png")
    (right / "2.png").rename(right / "1.png")
    (right / "3.png").rename(right / "4.png")
    with pytest.raises(DataError, match=r"right: no file for frame: 3 \(1\)"):
        matched_files([left, right], (".png",))


def test_two_files_of_one_number_and_no_common_frame_are_refused(tmp_path: Path):
    left, right = folder(tmp_path / "left", "1.png", "01.png"), folder(tmp_path / "right", "2.png")
    with pytest.raises(DataError, match="left: several files of one number"):
        matched_files([left, right], (".png",))
    (left / "01.png").unlink()
    with pytest.raises(DataError, match="left and right have no frame in common"):
        matched_files([left, right], (".png",))


def test_folders_are_found_at_below_and_one_above(tmp_path: Path):
    for name in ("clip_10", "clip_9"):
        folder(tmp_path / "set" / "deep" / name / "images", "1.png")
        (tmp_path / "set" / "deep" / name / "poses_bounds.npy").touch()
    members = ("images", "pose*_bounds.npy")
    below = [path.name for path in folders_with(tmp_path, *members)]
    assert below == ["clip_9", "clip_10"]
    clip = tmp_path / "set" / "deep" / "clip_9"
    assert folders_with(clip, *members) == folders_with(clip / "images", *members) == [clip]
    with pytest.raises(DataError, match="no folder with images and pose"):
        folders_with(tmp_path, *members, levels=2)


def test_two_folders_of_one_name_are_refused(tmp_path: Path):
    twice = [folder(tmp_path / side / "clip") for side in ("one", "two")]
    with pytest.raises(DataError, match="several folders of a name"):
        chosen(twice, (), tmp_path)
