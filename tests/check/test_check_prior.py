"""``m3depth check kind=prior``: a healthy export of every writer passes."""

import json
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from prior_folders import (
    FRAMES,
    a_prior,
    before_the_world_was_turned,
    check,
    codes,
    exported,
    written,
)

from m3depth.cli.configuration import configuration

WRITERS = sorted(path.stem for path in (configuration() / "writer").glob("*.yaml"))


def test_every_writer_has_a_target() -> None:
    targets = sorted(path.stem for path in (configuration() / "target").glob("*.yaml"))
    assert set(WRITERS) <= set(targets)
    assert set(targets) - set(WRITERS) == {"endonerf_original", "surgicalgs"}  # of writer=endonerf


@pytest.mark.parametrize("name", WRITERS)
def test_export_and_check_have_one_description_of_the_reader(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "stereo_endo"
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("check_prior", [f"target={name}", f"input={folder}"])
    habits = instantiate(config.target.habits, _convert_="all")
    writer = written(name, folder)
    assert (
        habits in writer.layout.readers or not writer.layout.readers
    )  # ours (npz) and none (ply) need nothing
    size = getattr(writer.layout, "size", None)
    assert size in (None, habits.size)


@pytest.mark.parametrize("name", WRITERS)
def test_a_healthy_export_passes_and_says_nothing(name: str, tmp_path: Path) -> None:
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        options = compose("export", [f"writer={name}", "checkpoint=x", "output=y"]).writer
    fixed = ["writer.size=[512,640]"] if "size" in options and name == "endonerf" else []
    folder = exported(name, tmp_path, *fixed)
    told = check(folder, name)
    assert told.status == 0, told.out + told.err
    assert "ok: nothing found" in told.out


def skipping(name: str, tmp_path: Path, *places: int) -> Path:
    folder = exported(name, tmp_path)
    writer = written(name, folder)
    for place in places:
        writer.skip(place, f"clip/{place:03d}", "unreadable")
    assert writer.finish(FRAMES) == []
    return folder


@pytest.mark.parametrize(
    ("target", "places", "told"),
    [
        ("gsharp", (3, 7), "from 000004.png on, all come too early"),
        ("gsharp", (0, 11), "leaves the times of the others"),
        ("npz", (3, 7), "leaves the times of the others"),
        ("nerfstudio", (3, 7), "leaves the times of the others"),
    ],
    ids=["between", "ends", "by_place", "no_time"],
)
def test_skipped_frames_are_told_with_what_they_do_to_time(
    target: str, places: tuple[int, ...], told: str, tmp_path: Path
) -> None:
    folder = skipping(target, tmp_path, *places)
    assert codes(folder, target, tmp_path / "out") == {"skipped_frames": "warning"}
    said = check(folder, target).out
    assert f"2 frames were skipped (clip/{places[0]:03d}, clip/{places[1]:03d})" in said
    assert told in said
    assert "give the same export command again" in said
    assert ("is before and after" in said) == ("too early" in told)


@pytest.mark.parametrize("name", ["endonerf", "endogaussian_mono", "gsharp", "nerfstudio", "npz"])
def test_poses_are_understood_as_they_were_meant(name: str, tmp_path: Path) -> None:
    folder = exported(name, tmp_path)
    with initialize_config_dir(str(configuration()), version_base="1.3"):
        config = compose("check_prior", [f"target={name}", f"input={folder}"])
    scene = instantiate(config.target, _convert_="all")(folder, 1)
    expected = np.array([a_prior(index, True).camera_to_world.numpy() for index in range(FRAMES)])
    found = np.linalg.inv(scene.poses[0]) @ scene.poses  # whatever the world
    assert found[:, :3, :3] == pytest.approx(expected[:, :3, :3], abs=1e-6)
    assert found[:, :3, 3] * scene.unit_mm == pytest.approx(expected[:, :3, 3], abs=1e-4)


def test_poses_of_version_0_1_0_are_still_understood(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path, "writer.size=[512,640]")
    before_the_world_was_turned(folder)
    assert codes(folder, "endonerf", tmp_path / "out") == {"edited": "warning"}


def test_export_says_what_check_says(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the end, in one line each, and in the metadata."""
    with caplog.at_level("WARNING"):
        folder = exported("endonerf", tmp_path, moving=False)
    (told,) = [record.getMessage() for record in caplog.records]
    assert "images are 80x64, and 640x512 is in the code of Deform3DGS, SurgicalGS and" in told
    assert "export with writer.size=[512,640]" in told
    assert json.loads((folder / "depth_meta.json").read_text())["notes"][1:] == [told]
    assert told.split("; ")[0] in check(folder, "endonerf").out
    caplog.clear()
    with caplog.at_level("WARNING"):
        exported("colmap", tmp_path / "other", moving=False)
    assert "the camera stands still" in caplog.text
    assert "no_tracks" not in caplog.text


def test_an_export_for_another_reader_has_other_axes(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path)
    assert codes(folder, "gsharp", tmp_path / "out") == {"pose_axes": "error"}
