"""Clips by settings: what was found of the frames is kept, and found again."""

from pathlib import Path

import pytest
from faulty_videos import SIZE, pictures, round_picture
from hydra.utils import instantiate
from omegaconf import OmegaConf
from PIL import Image
from torch.utils.data import Subset

from m3depth.data.clips import clips as module
from m3depth.data.own_size import frames_of
from m3depth.imaging.bytes import to_picture

READER = "m3depth.data.readers.one_camera.OneCamera"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("M3DEPTH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "video"
    root.mkdir()
    for number, picture in enumerate(pictures()):
        Image.fromarray(to_picture(round_picture(picture))).save(root / f"{number}.png")
    return root


def clips(root: Path, **more):
    config = {
        "_target_": "m3depth.data.clips.settings.clips_of",
        "_recursive_": False,
        "flow_px": [1, 10],
        "frames": {"_target_": READER, "root": str(root), "size": list(SIZE)},
    }
    return instantiate(OmegaConf.create(config | more))


def test_frames_are_looked_at_once(folder, monkeypatch):
    looked = []
    survey = module.survey
    monkeypatch.setattr(module, "survey", lambda *more: looked.append(more) or survey(*more))
    first, again = clips(folder), clips(folder)
    assert again.clips == first.clips
    assert (again[0]["ignore"] == first[0]["ignore"]).all()
    assert again.found.borders.keys() == first.found.borders.keys()
    assert len(looked) == 1
    clips(folder, flow_px=[1, 9])
    assert len(looked) == 2


def test_another_file_is_looked_at_again(folder):
    first = clips(folder)
    (folder / "11.png").unlink()
    assert len(clips(folder)) < len(first)


def test_so_many_clips_are_spread_evenly(folder):
    whole, few = clips(folder), clips(folder, at_most=3)
    assert len(few) == 3
    assert few.clips == [whole.clips[n * len(whole) // 3] for n in range(3)]
    assert len(clips(folder, at_most=999)) == len(whole)


def test_the_places_are_those_of_every_frame_in_a_clip(folder):
    made = clips(folder)
    names = {f"{number}.png" for clip in made.clips for number in clip}
    places = [Path(place).name for place in made.places()]
    assert set(places) == names
    assert len(places) == len(names)
    assert frames_of(Subset(made, [0])) == made.places()  # of some clips: rather too many


def test_workers_find_the_same(folder):
    assert clips(folder, workers=2).clips == clips(folder, reach=15).clips
