"""Which frames are adapted to, and which judge."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from stereo_fakes import Frames as Fakes
from stereo_fakes import dots, plane, sample

from m3depth.adaptation.frames import chosen, from_input
from m3depth.errors import ConfigError, DataError


def keys(part) -> set[str]:  # type: ignore[no-untyped-def]
    return {one["key"] for one in part}


def test_parts_are_disjoint_and_of_the_count_that_was_asked_for():
    frames = chosen(Fakes(*(sample(plane(60.0), seed) for seed in range(90))), 40)
    adapt, stop, judge = (keys(part) for part in frames)
    assert (len(adapt), len(stop), len(judge)) == (40, 8, 32)
    assert not (adapt & stop)
    assert not (adapt & judge)
    assert not (stop & judge)
    assert "fake/000000" in adapt | stop | judge
    assert "fake/000089" in adapt | stop | judge


def test_what_shows_nothing_and_what_shows_the_same_again_is_left_out():
    black = {**sample(plane(60.0), 3), "left": torch.zeros(3, 32, 64), "key": "black"}
    again = {**sample(plane(60.0), 5), "key": "again"}
    seen = [sample(plane(60.0), seed) for seed in range(20)]
    frames = chosen(Fakes(*seen[:3], black, *seen[3:6], again, *seen[6:]), 40)
    assert set.union(*map(keys, frames)) == keys(seen)


@pytest.mark.parametrize("what", ["black", "one frame repeated", "few"])
def test_too_little_to_adapt_to_is_refused(what: str):
    several = {
        "black": [{**sample(plane(60.0), i), "left": torch.zeros(3, 32, 64)} for i in range(40)],
        "one frame repeated": [sample(plane(60.0), 1)] * 40,
        "few": [sample(plane(60.0), seed) for seed in range(11)],
    }[what]
    with pytest.raises(DataError, match="at least 12 are needed"):
        chosen(Fakes(*several), 40)


def test_a_frame_that_cannot_be_read_is_passed_over(caplog: pytest.LogCaptureFixture):
    broken = DataError("left/7.png: cut short")
    frames = chosen(Fakes(*(sample(plane(60.0), s) for s in range(14)), broken), 40)
    assert sum(map(len, frames)) == 14
    assert "cut short" in caplog.text


def test_images_of_one_camera_have_no_right_view_and_no_time(tmp_path: Path):
    for seed in range(14):
        pixels = (dots(seed) * 255).byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(tmp_path / f"{seed:03}.png")
    frames = from_input(tmp_path, (32, 48), 40, None)
    assert sum(map(len, frames)) == 14
    assert not frames.stereo
    assert frames.adapt[0]["left"].shape == (3, 32, 48)
    with pytest.raises(ConfigError, match="first_s"):
        from_input(tmp_path, (32, 48), 40, 5.0)
