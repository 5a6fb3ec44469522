"""An export that cuts rows or columns off says so, in the log and in depth_meta.json."""

from pathlib import Path

import pytest
from prior_scenes import a_prior, export, meta_of

from m3depth.geometry import poses
from m3depth.priors.layouts.endonerf.layout import EndoNeRFLayout
from m3depth.priors.layouts.graphdeco.layout import GraphdecoLayout
from m3depth.priors.layouts.npz.layout import NpzLayout
from m3depth.priors.layouts.writer import SceneWriter, scene_writer
from m3depth.priors.recentre import Margins, told_crop


def cropping(folder: Path, name: str) -> SceneWriter:
    if name == "graphdeco":
        return scene_writer(folder, GraphdecoLayout)
    size = (46, 60) if name == "resized" else None
    return scene_writer(folder, EndoNeRFLayout, pose_convention=poses.opengl(), size=size)


@pytest.mark.parametrize("name", ["endonerf", "resized", "graphdeco"])
def test_a_crop_is_told(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    prior = a_prior(0)
    scene = export(cropping(tmp_path, name), [prior])
    meta = meta_of(scene)
    (note,) = [note for note in meta["notes"] if note.startswith("every frame")]
    assert note in caplog.text
    height, width = meta["size"]
    assert f"to {width}x{height})" in note
    cut = meta["cropped_px"]
    assert any(cut.values())
    for side, count in cut.items():
        words = f"{abs(count)} {'column' if side in ('left', 'right') else 'row'}"
        assert (count != 0) == (f"{words}s" in note or f"{words} " in note)
    assert ("resized from 64x48" in note) == (name == "resized")


def test_nothing_is_told_where_nothing_was_cut(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    assert meta_of(export(scene_writer(tmp_path, NpzLayout), [a_prior(0)]))["notes"] == []
    assert "every frame" not in caplog.text
    assert told_crop(Margins(0, 0, 0, 0), (48, 64)) == ""


def test_what_was_added_is_told_apart():
    assert told_crop(Margins(-2, 1, 0, 0), (48, 65)) == (
        "cut: 1 column on the right; added, black and unknown: 2 columns on the left "
        "(64x48 to 65x48)"
    )
