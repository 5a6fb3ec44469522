"""Exports that were killed, damaged or mixed with others: taken up, or refused."""

from pathlib import Path

import pytest
from all_writers import MAKERS
from prior_scenes import (
    a_prior,
    export,
    files_of,
    meta_of,
    some_priors,
)

from m3depth.errors import ConfigError, DataError
from m3depth.priors.layouts.colmap.layout import ColmapLayout
from m3depth.priors.layouts.graphdeco.layout import GraphdecoLayout
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.ply import PlyLayout
from m3depth.priors.layouts.writer import scene_writer
from m3depth.priors.records import half_written, require_whole


@pytest.mark.parametrize("name", MAKERS)
def test_a_killed_export_is_taken_up_and_shards_make_the_same_bytes(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = MAKERS[name]
    priors = some_priors(moving=True)
    whole = files_of(export(writer(tmp_path / "whole"), priors))

    first = writer(tmp_path / "parts")
    first.write(2, priors[2])
    with monkeypatch.context() as patch:  # dies after the frame's files, before its record
        patch.setattr("m3depth.priors.records.write_json", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            first.write(0, priors[0])
    assert not (tmp_path / "parts" / "depth_meta.json").exists()
    again = writer(tmp_path / "parts")
    assert [again.done(i, one.key, one.rig) for i, one in enumerate(priors)] == [False, False, True]
    assert again.finish(3) == [0, 1]
    for index in (1, 0):
        again.write(index, priors[index])
    assert again.finish(3) == []
    assert files_of(tmp_path / "parts") == whole


@pytest.mark.parametrize("lost", ["removed", "cut", "record"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_frame_that_lost_a_file_is_written_again(tmp_path: Path, name: str, lost: str) -> None:
    writer = MAKERS[name]
    priors = some_priors(moving=True)
    scene = export(writer(tmp_path / "scene"), priors)
    whole = files_of(scene)
    of_a_frame = [scene / path for path in whole if "000001" in path and "frames" not in path]
    path = scene / "frames/000001.json" if lost == "record" else sorted(of_a_frame)[-1]
    path.unlink() if lost == "removed" else path.write_bytes(path.read_bytes()[:30])
    again = writer(scene)
    assert [again.done(i, one.key, one.rig) for i, one in enumerate(priors)] == [True, False, True]
    assert again.finish(3) == [1]
    again.write(1, priors[1])
    assert again.finish(3) == []
    assert files_of(scene) == whole


@pytest.mark.parametrize("name", MAKERS)
def test_an_export_that_dies_at_its_very_first_file_is_half_written(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = MAKERS[name]
    with monkeypatch.context() as patch:
        patch.setattr("m3depth.priors.layouts.writer.write_as_named", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            writer(tmp_path / "scene").write(0, some_priors(moving=True)[0])
    with pytest.raises(DataError, match="scene: a half-written export"):
        require_whole(tmp_path / "scene")


def test_a_folder_of_others_that_is_called_as_our_records_are_is_no_half_written_export(
    tmp_path: Path,
) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames/000000.png").write_bytes(b"theirs")
    require_whole(tmp_path)
    assert not half_written(tmp_path)


def test_what_a_killed_process_left_is_taken_away(tmp_path: Path) -> None:
    scene = export(scene_writer(tmp_path, ColmapLayout), some_priors(moving=True))
    whole = files_of(scene)
    (scene / "images/.000001.png.77.tmp").write_bytes(b"half")
    assert scene_writer(tmp_path, ColmapLayout).finish(3) == []
    assert files_of(scene) == whole


def test_a_skipped_frame_whose_name_was_not_known_is_tried_again(tmp_path: Path) -> None:
    writer = scene_writer(tmp_path, NpzLayout)
    writer.write(0, a_prior(0))
    writer.skip(1, "frame 1", "clip/001.png: truncated")  # unreadable: no key
    assert writer.finish(2) == []
    again = scene_writer(tmp_path, NpzLayout)
    assert not again.done(1, a_prior(1).key, a_prior(1).rig)
    again.write(1, a_prior(1))
    assert again.finish(2) == []
    assert meta_of(tmp_path)["skipped"] == {}


def test_a_frame_of_other_options_is_not_mixed_in(tmp_path: Path) -> None:
    export(scene_writer(tmp_path, PlyLayout, voxel_mm=2.0), [a_prior(0)])
    with pytest.raises(ConfigError, match="another voxel_mm"):
        scene_writer(tmp_path, PlyLayout, voxel_mm=3.0).done(0, "clip/000", a_prior(0).rig)
    with pytest.raises(ConfigError, match=r"another .*writer"):
        scene_writer(tmp_path, NpzLayout).done(0, "clip/000", a_prior(0).rig)


def test_a_skipped_frame_leaves_no_file(tmp_path: Path) -> None:
    writer = scene_writer(tmp_path, GraphdecoLayout)
    for index in range(2):
        writer.write(index, a_prior(index))
    writer.skip(1, "clip/001", "gone")
    assert writer.finish(2) == []
    assert [name for name in files_of(tmp_path) if "000001" in name] == ["frames/000001.json"]


def test_a_frame_of_another_rig_is_not_mixed_in(tmp_path: Path) -> None:
    one = a_prior(0)
    scene_writer(tmp_path, NpzLayout).write(0, one)
    assert scene_writer(tmp_path, NpzLayout).done(0, one.key, one.rig)
    wider = one.rig._replace(baseline_mm=one.rig.baseline_mm * 2)
    with pytest.raises(ConfigError, match="another baseline_mm of the rig; set output=DIR"):
        scene_writer(tmp_path, NpzLayout).done(0, one.key, wider)
