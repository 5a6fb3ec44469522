"""What single programs need of a scene, and ``m3depth check kind=prior`` says."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from prior_folders import (
    FRAMES,
    a_prior,
    before_the_world_was_turned,
    change,
    check,
    codes,
    exported,
    pictures,
    written,
)

from m3depth.errors import ConfigError
from m3depth.priors.prior import DepthPrior


def test_words_of_the_path_lead_readers_astray(tmp_path: Path) -> None:
    folder = exported("endonerf_stereo", tmp_path, "writer.size=[512,640]")
    plain = folder.rename(tmp_path / "clip")
    assert codes(plain, "endonerf_stereo", tmp_path / "out") == {"path_words": "error"}
    folder = exported("endonerf", tmp_path / "other", "writer.size=[512,640]")
    named = folder.rename(tmp_path / "stereo_clip")
    assert codes(named, "endonerf", tmp_path / "out") == {"path_words": "warning"}


# Deform3DGS, SurgicalGS and EndoGaussian: ValueError; Endo-4DGS: another field of view, in silence
@pytest.mark.parametrize(
    "name", ["endonerf", "endonerf_stereo", "endogaussian_mono", "endo4dgs", "surgicalgs"]
)
def test_a_size_that_the_reader_does_not_know_is_an_error(name: str, tmp_path: Path) -> None:
    writer = "endonerf" if name == "surgicalgs" else name
    folder = exported(writer, tmp_path, "writer.size=[128,160]")
    found = codes(folder, name, tmp_path / "out")
    assert found["image_size"] == "error"
    assert "writer.size=[512,640]" in check(folder, name).out


def test_endonerf_itself_takes_any_size_and_a_still_camera(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path, moving=False)
    assert codes(folder, "endonerf_original", tmp_path / "out") == {}
    before_the_world_was_turned(folder)
    found = codes(folder, "endonerf_original", tmp_path / "out")
    assert found == {"ndc_backwards": "error", "edited": "warning"}
    assert "mirrored" in check(folder, "endonerf_original").out
    without = check(folder, "endonerf_original", "target.habits.no_ndc=true")
    assert without.status == 0


def test_endonerf_itself_needs_no_ndc_for_a_camera_that_moves(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path)
    assert codes(folder, "endonerf_original", tmp_path / "out") == {"ndc_moves": "warning"}
    told = check(folder, "endonerf_original")
    assert "no_ndc = True" in told.out
    notes = json.loads((folder / "depth_meta.json").read_text())["notes"]
    assert any("no_ndc = True" in note for note in notes)
    without = check(folder, "endonerf_original", "target.habits.no_ndc=true")
    assert "ok: nothing found" in without.out


def test_a_frame_without_any_depth_is_an_error_wherever_it_is(tmp_path: Path) -> None:
    """IndexError in Deform3DGS, SurgicalGS and both EndoGaussians: all files are looked at."""
    folder = exported("endonerf", tmp_path, "writer.size=[512,640]")
    path = pictures(folder, "depth")[5]
    cv2.imwrite(str(path), np.zeros((512, 640), np.uint16))
    told = check(folder, "endonerf", "frames=2")
    assert told.status == 1
    assert "1 of 12 frames have no depth (000005.png)" in told.out
    assert check(folder, "endonerf_original", "target.habits.no_ndc=true").status == 0


@pytest.mark.parametrize("name", ["endo4dgs", "endogaussian_mono"])
def test_a_first_frame_without_depth_is_an_error_where_all_points_are_from_it(
    name: str, tmp_path: Path
) -> None:
    found = {}
    for blind in (0, 2):
        folder = tmp_path / f"endo_{blind}"
        writer = written(name, folder)
        for index in range(4):
            prior = a_prior(index, moving=False)
            depth = prior.depth_mm * (index != blind)
            writer.write(index, replace(prior, depth_mm=depth))
        assert writer.finish(4) == []
        found[blind] = codes(folder, name, tmp_path / "out")["no_depth"]
    assert found == {0: "error", 2: "warning"}


@pytest.mark.parametrize(
    ("name", "words", "severity"),
    [
        ("clip", ["lacks `endo`"], "error"),
        ("endo_stereomis", ["holds `stereomis`"], "error"),
        ("endo_png", ["holds `png`"], "error"),
        ("endo_clip", [], None),
    ],
)
def test_words_in_a_path_that_switch_modes(
    name: str, words: list[str], severity: str | None, tmp_path: Path
) -> None:
    """Without `endo` it reads DyNeRF's layout, with `stereomis` the depth of another folder."""
    folder = exported("endo4dgs", tmp_path).rename(tmp_path / name)
    found = codes(folder, "endo4dgs", tmp_path / "out")
    assert found.get("path_words") == severity
    assert all(word in check(folder, "endo4dgs").out for word in words)


def a_tool_that_moves(index: int) -> DepthPrior:
    prior = a_prior(index, moving=False)
    use = torch.ones_like(prior.use)
    use[:, 20:40, 5 * index : 5 * index + 10] = False
    return replace(prior, use=use)


def everything_used(index: int) -> DepthPrior:
    prior = a_prior(index, moving=False)
    return replace(prior, use=None, depth_mm=prior.depth_mm.clamp_min(45.0))


@pytest.mark.parametrize(
    ("scene", "surgicalgs", "family"),
    [(a_tool_that_moves, None, None), (everything_used, "error", "warning")],
    ids=["tools", "neither"],
)
def test_surgicalgs_needs_tools_or_motion(
    scene: Callable[[int], DepthPrior], surgicalgs: str, family: str, tmp_path: Path
) -> None:
    """It draws 5000 points from what the first frame does not show: ValueError without any."""
    writer = written("endonerf", tmp_path / "scene", "writer.size=[512,640]")
    for index in range(3):
        writer.write(index, scene(index))
    assert writer.finish(3) == []
    for target, severity in (("surgicalgs", surgicalgs), ("endonerf", family)):
        found = codes(tmp_path / "scene", target, tmp_path / "out")
        assert found.get("too_few_seeds") == severity


def test_endonerf_divides_by_what_the_masks_leave_out(tmp_path: Path) -> None:
    folder = exported("endonerf", tmp_path, moving=False)
    change(folder, "depth", lambda depth: depth.clip(45))
    change(folder, "masks", np.zeros_like)
    found = codes(folder, "endonerf_original", tmp_path / "out")
    assert found == {"nothing_masked": "warning", "edited": "warning"}


def test_colours_that_graphdeco_would_compare_with_black(tmp_path: Path) -> None:
    """As version 0.1.0 wrote them: a loss of .07 for a perfect model."""
    folder = exported("graphdeco", tmp_path)
    change(folder, "images", lambda pixels: pixels.clip(90))
    assert codes(folder, "graphdeco", tmp_path / "out")["masked_colours"] == "warning"
    path = folder / "frames/000003.json"
    record = json.loads(path.read_text())
    del record["settings"]["revision"]
    path.write_text(json.dumps(record))
    with pytest.raises(ConfigError, match="another revision; set output=DIR to an empty folder"):
        written("graphdeco", folder).finish(FRAMES)


@pytest.mark.parametrize("name", ["colmap", "graphdeco"])
def test_a_still_camera_is_nothing_for_static_splatters(name: str, tmp_path: Path) -> None:
    folder = exported(name, tmp_path, moving=False)
    assert codes(folder, name, tmp_path / "out") == {"still_camera": "error"}
    told = check(folder, name).out
    assert "learning rate of the positions" in told
    assert "choose a layout whose readers fit a still camera" in told


def test_a_model_without_tracks_is_told(tmp_path: Path) -> None:
    """As version 0.1.0 wrote it: gsplat's --depth_loss is a KeyError."""
    pycolmap = pytest.importorskip("pycolmap")
    folder = exported("colmap", tmp_path)
    model = pycolmap.Reconstruction(str(folder / "sparse/0"))
    for number in list(model.points3D):
        model.delete_point3D(number)
    model.write(str(folder / "sparse/0"))
    found = codes(folder, "colmap", tmp_path / "out")
    assert found == {"no_tracks": "error", "edited": "warning"}


def test_nerfstudio_would_divide_by_zero_for_a_camera_that_stands_still(tmp_path: Path) -> None:
    folder = exported("nerfstudio", tmp_path, moving=False)
    assert codes(folder, "nerfstudio", tmp_path / "out") == {"still_camera": "warning"}
